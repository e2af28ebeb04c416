#include "commands.h"

#include <interns1/version.h>

#include <stdio.h>
#include <string.h>

/* In the order of --help: what people use first. */
static const command *const commands[] = {
    &run_command,           &info_command,   &plan_command,       &devices_command,
    &tokenize_command,      &render_command, &parse_command,      &logits_command,
    &score_command,         &embed_command,  &preprocess_command, &bench_command,
    &check_backend_command,

};

static void print_help(void)
{
    puts("Usage: ins1 COMMAND [ARGUMENT]... [OPTION]...\n");
    puts("Runs the Intern-S1 family of scientific multimodal models. MODEL is a checkpoint folder "
         "as");
    puts("Hugging Face has them. Commands that read lines take JSON lines on stdin and answer each "
         "with");
    puts("a JSON line on stdout, {\"error\": ..., \"status\": ...} where one fails.\n\nCommands:");
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        printf("  %-14s  %s\n", commands[i]->name, commands[i]->summary);
    puts("\n  ins1 COMMAND --help  tells the options of a command and gives an example");
    puts("  ins1 --version       tells the version of the library\n");
    puts("Exit status: 0 done, 1 something failed, 2 the command line was wrong.\n");
    puts("Example:\n  ins1 run examples/demo-model/interns1-demo -p 'What is the molecular formula "
         "of <SMILES>CCO</SMILES>?'");
}

/* What was printed is done only when it has arrived. */
static int finish(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    fputs("ins1: not all of the output could be written\n", stderr);
    return status ? status : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("ins1: no command is given; ins1 --help lists them\n", stderr);
        return 2;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("ins1 %s\n", ins1_version_string());
        return finish(0);
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help")) {
        print_help();
        return finish(0);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (!strcmp(argv[1], commands[i]->name))
            return finish(commands[i]->run(argc - 1, argv + 1));
    fprintf(stderr, "ins1: there is no command '%s'; ins1 --help lists them\n", argv[1]);
    return 2;
}
