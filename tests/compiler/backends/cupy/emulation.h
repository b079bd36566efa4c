// CUDA's blocks and threads on one thread of a processor, to see what kernels compute where no GPU is: every thread of
// a block is a fiber, which goes on until the next point where the threads meet.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <utility>

#define __global__ static
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(n)

struct Dim {
    unsigned x, y, z;
};
static Dim blockIdx, threadIdx, blockDim, gridDim;

static inline float __int_as_float(int bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline double __longlong_as_double(long long bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

namespace emulation {

const int MOST = 1024, STACK = 1 << 16;

enum Place { RUNNING, AT_BARRIER, AT_SHUFFLE, DONE };

static ucontext_t scheduler, fibers[MOST];
static char (*stacks)[STACK] = (char (*)[STACK])malloc((size_t)MOST * STACK);
static Place places[MOST];
static char slots[MOST][8];
static void (*work)();

static void begin() {
    work();
    places[threadIdx.x] = DONE;
    swapcontext(&fibers[threadIdx.x], &scheduler);
}

static void meet(Place place) {
    places[threadIdx.x] = place;
    swapcontext(&fibers[threadIdx.x], &scheduler);
}

// One block. The threads go on forwards and backwards by turns, so that a barrier that is missing shows.
static void block(int threads) {
    for (int i = 0; i < threads; ++i) {
        getcontext(&fibers[i]);
        fibers[i].uc_stack.ss_sp = stacks[i];
        fibers[i].uc_stack.ss_size = STACK;
        fibers[i].uc_link = &scheduler;
        makecontext(&fibers[i], begin, 0);
        places[i] = RUNNING;
    }
    for (int round = 0; places[0] != DONE; ++round) {
        for (int i = 0; i < threads; ++i) {
            threadIdx.x = round % 2 ? threads - 1 - i : i;
            swapcontext(&scheduler, &fibers[threadIdx.x]);
        }
        for (int i = 1; i < threads; ++i)
            if (places[i] != places[0]) {
                fprintf(stderr, "threads 0 and %d of a block do not meet\n", i);
                abort();
            }
    }
}

template <class... P, size_t... I> void launch(void (*kernel)(P...), void **args, std::index_sequence<I...>) {
    static void (*what)(P...);
    static void **given;
    what = kernel, given = args;
    work = [] { what(*(P *)given[I]...); };
}

template <class... P> void run(void (*kernel)(P...), int x, int y, int threads, void **args) {
    launch(kernel, args, std::index_sequence_for<P...>());
    gridDim = {(unsigned)x, (unsigned)y, 1}, blockDim = {(unsigned)threads, 1, 1};
    for (int j = 0; j < y; ++j)
        for (int i = 0; i < x; ++i) {
            blockIdx = {(unsigned)i, (unsigned)j, 0};
            block(threads);
        }
}

}  // namespace emulation

static inline void __syncthreads() { emulation::meet(emulation::AT_BARRIER); }

template <class T> T __shfl_xor_sync(unsigned, T x, int mask) {
    memcpy(emulation::slots[threadIdx.x], &x, sizeof x);
    emulation::meet(emulation::AT_SHUFFLE);
    T other;
    memcpy(&other, emulation::slots[threadIdx.x ^ mask], sizeof other);
    emulation::meet(emulation::AT_SHUFFLE);
    return other;
}
