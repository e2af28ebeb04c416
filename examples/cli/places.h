#ifndef CLI_PLACES_H
#define CLI_PLACES_H

#include "engine.h"

/* Where layers go: each --device takes those that the ones before it left. */

/* --device NAME[,layers=N][,bytes=SIZE]; plugins named by it are loaded. Fills the engine's list.
 */
ins1_status places_find(engine *e, const settings *s);

/* What became of it, on one line. */
void places_print(const engine *e);

#endif
