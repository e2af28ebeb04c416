#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args.h"

/* One file each, of the same name. */
extern const command bench_command;
extern const command check_backend_command;
extern const command devices_command;
extern const command embed_command;
extern const command info_command;
extern const command logits_command;
extern const command parse_command;
extern const command plan_command;
extern const command preprocess_command;
extern const command render_command;
extern const command run_command;
extern const command score_command;
extern const command tokenize_command;

#endif
