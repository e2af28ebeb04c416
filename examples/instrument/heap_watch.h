#ifndef INSTRUMENT_HEAP_WATCH_H
#define INSTRUMENT_HEAP_WATCH_H

/* How often anything in this process, the C library included, has asked the C heap for memory; -1
 * where that is not watched: without glibc, and with sanitizers. */
long heap_watch_count(void);

#endif
