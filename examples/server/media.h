#ifndef SERVER_MEDIA_H
#define SERVER_MEDIA_H

#include "client.h"
#include "served.h"

/* What a URL holds, as rows in the place of tokens; the caller releases them. data: URLs, and
 * file: URLs below the folder that the server was given. Nothing is fetched from elsewhere. One at
 * a time is read and encoded, so that memory is bounded whoever comes. */
bool media_image(served *s, client *c, const char *url, ins1_embeds **out, problem *p);

/* `rate_hz` 0: as the file says. */
bool media_series(served *s, client *c, const char *url, double rate_hz, ins1_embeds **out,
                  problem *p);

#endif
