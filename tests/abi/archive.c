/* The static library in a program whose own names are like those inside the library. archive
 * CHECKPOINT */

#include <interns1/interns1.h>

#include <stdio.h>

/* What the library calls by these names must be its own. */
int s1_alloc(void);
int s1_fail(void);
int s1_json_parse(void);

int s1_alloc(void)
{
    return 1;
}

int s1_fail(void)
{
    return 2;
}

int s1_json_parse(void)
{
    return 3;
}

int main(int argc, char **argv)
{
    ins1_error error = INS1_INIT(ins1_error);
    ins1_call call = INS1_INIT(ins1_call);
    ins1_model_options options = INS1_INIT(ins1_model_options);
    ins1_runtime *runtime = NULL;
    ins1_model *model = NULL;

    call.error = &error;
    options.path = argc > 1 ? argv[1] : "";
    ins1_status status = ins1_runtime_create(&runtime, NULL, &call);
    if (status == INS1_OK)
        status = ins1_model_open(&model, runtime, &options, &call);
    if (status != INS1_OK)
        fprintf(stderr, "%s\n", error.text);
    ins1_model_release(model);
    ins1_runtime_release(runtime);
    return status != INS1_OK || s1_alloc() + s1_fail() + s1_json_parse() != 6;
}
