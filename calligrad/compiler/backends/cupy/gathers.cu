// What threads would have to wait for each other for: here each number of the result looks for what belongs to it.

// out[b, r, c] is the sum of all x[b, i, c] with at[b, i] == r, in the order of i.
extern "C" __global__ void __launch_bounds__(256) sums_at(const TYPE *x, const long long *at, TYPE *out) {
    for (long long n = (long long)blockIdx.x * 256 + threadIdx.x; n < SIZE; n += (long long)gridDim.x * 256) {
        const long long c = n % COLUMNS, r = n / COLUMNS % ROWS, b = n / COLUMNS / ROWS;
        TYPE sum = 0;
        for (long long i = b * COUNT; i < (b + 1) * COUNT; ++i)
            if (at[i] == r) sum += x[i * COLUMNS + c];
        out[n] = sum;
    }
}

// out[b, w] is where the first maximum, or the last NaN, of x[b] is among the COUNT places at[w]; -1 is none.
extern "C" __global__ void __launch_bounds__(256) places_of_maxima(const TYPE *x, const long long *at, long long *out) {
    for (long long n = (long long)blockIdx.x * 256 + threadIdx.x; n < SIZE; n += (long long)gridDim.x * 256) {
        const TYPE *row = x + n / ROWS * COLUMNS;
        long long best = -1;
        for (long long i = n % ROWS * COUNT; i < (n % ROWS + 1) * COUNT; ++i) {
            const long long place = at[i];
            if (place >= 0 && (best < 0 || row[place] > row[best] || row[place] != row[place])) best = place;
        }
        out[n] = best;
    }
}
