#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(s1_json value)
{
    s1_json key, element;
    char text[16];
    size_t length;
    int64_t whole;
    double real;

    s1_json_string(value, text, sizeof(text), &length);
    s1_json_is(value, "x");
    s1_json_int(value, &whole);
    s1_json_double(value, &real);
    s1_json_walk at = s1_json_begin(value);
    while (s1_json_next(&at, &key, &element)) {
        s1_json_string(key, text, sizeof(text), &length);
        walk(element);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    s1_json root;
    if (s1_json_parse(&root, (const char *)data, size, NULL) == INS1_OK)
        walk(root);
    return 0;
}
