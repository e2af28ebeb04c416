#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include <stddef.h>

/* page.html */
extern const unsigned char page_html[];
extern const size_t page_html_size;

#endif
