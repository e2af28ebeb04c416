#include "base/park.h"

void s1_park_init(s1_park *park)
{
    atomic_init(&park->value, 0);
    pthread_mutex_init(&park->mutex, NULL);
    pthread_cond_init(&park->condition, NULL);
}

void s1_park_finish(s1_park *park)
{
    pthread_cond_destroy(&park->condition);
    pthread_mutex_destroy(&park->mutex);
}

void s1_park_wait(s1_park *park, uint32_t seen)
{
    pthread_mutex_lock(&park->mutex);
    while (atomic_load(&park->value) == seen)
        pthread_cond_wait(&park->condition, &park->mutex);
    pthread_mutex_unlock(&park->mutex);
}

/* Passing through the mutex orders this after the comparison of whoever is about to sleep. */
void s1_park_wake(s1_park *park, int32_t n)
{
    pthread_mutex_lock(&park->mutex);
    if (n == 1)
        pthread_cond_signal(&park->condition);
    else
        pthread_cond_broadcast(&park->condition);
    pthread_mutex_unlock(&park->mutex);
}
