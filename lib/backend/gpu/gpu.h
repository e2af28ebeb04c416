#ifndef S1_BACKEND_GPU_GPU_H
#define S1_BACKEND_GPU_GPU_H

#include "interns1/sys/backend.h"

#include <stdbool.h>
#include <stddef.h>

/* What the plugins for devices with memory of their own have in common; each is built with it, for
 * plugins link nothing of the library. */

/* --- operations --- */

/* Is the operation one that kernels of all types are there for? Sizes are the plugin's to judge. */
bool s1_gpu_knows(const ins1_op *op);

/* Of MATMUL_EXPERTS: are all matrices of one type and lie alike, and all scales? */
bool s1_gpu_experts_are_alike(const ins1_op *op);

/* Elements from one to the next along an axis; 0 where there is no second. */
static inline int64_t s1_gpu_stride(const ins1_tensor_desc *tensor, int32_t axis)
{
    return tensor->dim[axis] > 1 ? tensor->stride[axis] : 0;
}

/* --- tables --- */

enum { S1_TABLES_MOST = 1024 };

/* Where experts lie, on the device and byte for byte here: what is there already is not sent again.
 * The host's memory is read by the device when the time comes, so it stays as it is until all are
 * forgotten. */
typedef struct s1_tables {
    unsigned char *host; /* `size` bytes, the stream's */
    size_t size, used;
    int32_t n;
    struct {
        uint32_t at, bytes;
    } entries[S1_TABLES_MOST];
} s1_tables;

/* Where a table is to be written; NULL when others have to be forgotten first. */
unsigned char *s1_tables_room(s1_tables *tables, size_t bytes);

/* Is what was written there already? `at` is where it is, or where it is to be sent. */
bool s1_tables_find(const s1_tables *tables, size_t bytes, size_t *at);

/* It was sent. */
void s1_tables_keep(s1_tables *tables, size_t bytes);

/* Nothing is there any more. The device has done all that was queued. */
void s1_tables_forget(s1_tables *tables);

/* --- pieces --- */

/* How much work goes to the device at once, so that it takes some milliseconds and whoever asks to
 * stop waits no longer. */
typedef struct s1_pace {
    double budget;   /* of one piece, in multiplications */
    int64_t done_ns; /* when the last one ended */
    int64_t took_ns; /* the last one whose time is known */
} s1_pace;

/* A piece that has ended. `is_exact`: it has just ended, else its time is only a bound; `is_whole`:
 * its amount is no guess. */
typedef struct s1_pace_piece {
    double amount;
    int64_t begun_ns;
    bool is_exact, is_whole;
} s1_pace_piece;

/* To begin with; in parts of the least budget there is. */
s1_pace s1_pace_begin(int32_t least);
void s1_pace_learn(s1_pace *pace, const s1_pace_piece *piece);
/* The last piece took long: the next shall have none behind it, which whoever asks to stop would
 * wait for too. */
bool s1_pace_is_slow(const s1_pace *pace);

/* Of the clock that never goes back; and the time after `timeout_ns`. */
int64_t s1_pace_now_ns(void);
int64_t s1_pace_until_ns(int64_t timeout_ns);

#endif
