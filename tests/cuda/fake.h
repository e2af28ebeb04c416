#ifndef TESTS_CUDA_FAKE_H
#define TESTS_CUDA_FAKE_H

/* A driver for tests, with two devices that are emulated: the calls of backend/cuda/driver.h, which
 * do what the real ones do and nothing more. What is queued is executed late, when somebody waits.
 * A call that the real driver need not forgive (a wrong handle, no current context, memory that is
 * freed twice or left behind) ends the program with a sentence. Below is what a test has beside the
 * calls, found with dlsym. */

#ifdef __cplusplus
extern "C" {
#endif

/* Calls so far, all of them counted, and launches that were executed. */
long fake_cuda_calls(void);
long fake_cuda_launches(void);
/* The n-th call from now (0: the next) answers `code`, all others do what they do. Negative: none.
 */
void fake_cuda_fail_at(long n, int code);
/* With the n-th launch from now the device is lost: everything in its context answers `code`. */
void fake_cuda_lose_at(long n, int code);
/* The n-th launch from now takes so many questions whether it is done. */
void fake_cuda_hang_at(long n, long questions);
/* How many devices there are (0 to 2), and for which CUDA the driver is; before the plugin is
 * loaded. 13000 is CUDA 13.0. */
void fake_cuda_pretend(int devices, int version);

#ifdef __cplusplus
}
#endif

#endif
