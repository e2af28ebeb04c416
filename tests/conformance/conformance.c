#include "conformance.h"

#include "rig.h"

#include <string.h>

/* What the device says about itself. */
static void check_info(rig *r)
{
    ins1_device_info info = { .struct_size = sizeof(info) };
    int32_t n = r->api->device_count(r->api->self);

    rig_begin(r, "device", "");
    r->result.cases = 1;
    rig_expect(r, r->device >= 0 && r->device < n, "device %d of %d", r->device, n);
    int32_t answer = r->api->device_info(r->api->self, r->device, &info);
    rig_expect(r, answer == INS1_OK, "device_info answers %d", answer);
    rig_expect(r, info.struct_size == sizeof(info), "device_info changes struct_size");
    rig_expect(r, info.score > 0, "the device says that it cannot run here");
    r->exact = info.caps & INS1_CAP_EXACT;
    rig_end(r);
}

static bool open_rig(rig *r)
{
    rig_begin(r, "open", "");
    r->result.cases = 1;
    int32_t answer = r->api->device_open(r->api->self, r->device, &r->context);
    bool is_open = rig_expect(r, answer == INS1_OK, "device_open answers %d", answer);
    if (is_open) {
        answer = r->api->stream_new(r->context, r->host, &r->stream);
        is_open = rig_expect(r, answer == INS1_OK, "stream_new answers %d", answer);
        if (!is_open)
            r->api->device_close(r->context);
    }
    rig_end(r);
    return is_open;
}

int conformance_run(const ins1_backend_api *api, conformance_host *host, int32_t device,
                    bool computes, conformance_report_fn *report, void *user)
{
    rig r = {
        .api = api,
        .host = host,
        .device = device,
        .computes = computes,
        .seed = 1,
        .report = report,
        .user = user,
    };
    long long live = host->live;

    check_info(&r);
    if (r.failures || !open_rig(&r))
        return r.failures;
    conformance_conduct(&r);
    if (!host->is_in_haste) {
        conformance_products(&r);
        conformance_rows(&r);
        conformance_attention(&r);
        conformance_encoders(&r);
    }
    api->stream_free(r.stream);
    api->device_close(r.context);

    rig_begin(&r, "close", "");
    r.result.cases = 1;
    rig_expect(&r, host->live == live, "%lld bytes are not given back", host->live - live);
    rig_end(&r);
    return r.failures;
}
