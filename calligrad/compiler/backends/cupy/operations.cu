// What NumPy does with single numbers, by the names of its ufuncs, and how the threads of a row add up.

namespace np {

#define DEVICE __device__ __forceinline__

// ---------------------------------------------------------------- whole numbers, which wrap, and truths

#define WRAPPING(T, U)                                                            \
    DEVICE T add(T a, T b) { return (T)((U)a + (U)b); }                           \
    DEVICE T subtract(T a, T b) { return (T)((U)a - (U)b); }                      \
    DEVICE T multiply(T a, T b) { return (T)((U)a * (U)b); }                      \
    DEVICE T negative(T a) { return (T)(0 - (U)a); }                              \
    DEVICE T absolute(T a) { return a < 0 ? negative(a) : a; }                    \
    DEVICE T sign(T a) { return (a > 0) - (a < 0); }                              \
    DEVICE T maximum(T a, T b) { return a > b ? a : b; }                          \
    DEVICE T minimum(T a, T b) { return a < b ? a : b; }                          \
    DEVICE T floor(T a) { return a; }                                             \
    DEVICE T ceil(T a) { return a; }                                              \
    DEVICE T trunc(T a) { return a; }                                             \
    DEVICE T invert(T a) { return ~a; }                                           \
    DEVICE bool isnan(T) { return false; }                                        \
    DEVICE bool isinf(T) { return false; }                                        \
    DEVICE bool isfinite(T) { return true; }

WRAPPING(int, unsigned)
WRAPPING(long long, unsigned long long)

DEVICE bool add(bool a, bool b) { return a || b; }
DEVICE bool multiply(bool a, bool b) { return a && b; }
DEVICE bool maximum(bool a, bool b) { return a || b; }
DEVICE bool minimum(bool a, bool b) { return a && b; }
DEVICE bool absolute(bool a) { return a; }
DEVICE bool floor(bool a) { return a; }
DEVICE bool ceil(bool a) { return a; }
DEVICE bool trunc(bool a) { return a; }
DEVICE bool invert(bool a) { return !a; }
DEVICE bool isnan(bool) { return false; }
DEVICE bool isinf(bool) { return false; }
DEVICE bool isfinite(bool) { return true; }

template <class T> DEVICE T bitwise_and(T a, T b) { return a & b; }
template <class T> DEVICE T bitwise_or(T a, T b) { return a | b; }

// ---------------------------------------------------------------- floating point

#define FLOATING(T, INFINITE)                                                     \
    DEVICE T add(T a, T b) { return a + b; }                                      \
    DEVICE T subtract(T a, T b) { return a - b; }                                 \
    DEVICE T multiply(T a, T b) { return a * b; }                                 \
    DEVICE T divide(T a, T b) { return a / b; }                                   \
    DEVICE T negative(T a) { return -a; }                                         \
    DEVICE T absolute(T a) { return ::fabs(a); }                                  \
    DEVICE T fabs(T a) { return ::fabs(a); }                                      \
    DEVICE T reciprocal(T a) { return 1 / a; }                                    \
    DEVICE T sqrt(T a) { return ::sqrt(a); }                                      \
    DEVICE bool isnan(T a) { return a != a; }                                     \
    DEVICE bool isinf(T a) { return ::fabs(a) == INFINITE; }                      \
    DEVICE bool isfinite(T a) { return ::fabs(a) < INFINITE; }                    \
    DEVICE bool signbit(T a) { return ::copysign((T)1, a) < 0; }                  \
    DEVICE T copysign(T a, T b) { return ::copysign(a, b); }                      \
    DEVICE T sign(T a) { return a != a ? a : (T)((a > 0) - (a < 0)); }            \
    DEVICE T heaviside(T a, T b) { return a != a ? a : a == 0 ? b : (T)(a > 0); } \
    DEVICE T maximum(T a, T b) { return a > b || a != a ? a : b; }                \
    DEVICE T minimum(T a, T b) { return a < b || a != a ? a : b; }                \
    DEVICE T floor(T a) { return ::floor(a); }                                    \
    DEVICE T ceil(T a) { return ::ceil(a); }                                      \
    DEVICE T trunc(T a) { return ::trunc(a); }                                    \
    DEVICE T rint(T a) { return ::rint(a); }                                      \
    DEVICE T exp(T a) { return ::exp(a); }                                        \
    DEVICE T exp2(T a) { return ::exp2(a); }                                      \
    DEVICE T expm1(T a) { return ::expm1(a); }                                    \
    DEVICE T log(T a) { return ::log(a); }                                        \
    DEVICE T log1p(T a) { return ::log1p(a); }                                    \
    DEVICE T log2(T a) { return ::log2(a); }                                      \
    DEVICE T log10(T a) { return ::log10(a); }                                    \
    DEVICE T tanh(T a) { return ::tanh(a); }                                      \
    DEVICE T sinh(T a) { return ::sinh(a); }                                      \
    DEVICE T cosh(T a) { return ::cosh(a); }                                      \
    DEVICE T sin(T a) { return ::sin(a); }                                        \
    DEVICE T cos(T a) { return ::cos(a); }                                        \
    DEVICE T erf(T a) { return ::erf(a); }                                        \
    DEVICE T sigmoid(T a) { return 1 / (1 + ::exp(-a)); }                         \
    DEVICE T power(T a, T b) { return ::pow(a, b); }

FLOATING(float, __int_as_float(0x7f800000))
FLOATING(double, __longlong_as_double(0x7ff0000000000000LL))

// ---------------------------------------------------------------- numbers of any kind

template <class T> DEVICE T positive(T a) { return a; }
template <class T> DEVICE T square(T a) { return multiply(a, a); }
template <class T> DEVICE T fmax(T a, T b) { return isnan(b) ? a : isnan(a) ? b : maximum(a, b); }
template <class T> DEVICE T fmin(T a, T b) { return isnan(b) ? a : isnan(a) ? b : minimum(a, b); }
template <class T> DEVICE T clip(T a, T low, T high) { return minimum(maximum(a, low), high); }
template <class T> DEVICE T where(bool condition, T a, T b) { return condition ? a : b; }
template <class T> DEVICE bool greater(T a, T b) { return a > b; }
template <class T> DEVICE bool greater_equal(T a, T b) { return a >= b; }
template <class T> DEVICE bool less(T a, T b) { return a < b; }
template <class T> DEVICE bool less_equal(T a, T b) { return a <= b; }
template <class T> DEVICE bool equal(T a, T b) { return a == b; }
template <class T> DEVICE bool not_equal(T a, T b) { return a != b; }
template <class T> DEVICE bool logical_not(T a) { return a == 0; }
template <class S, class T> DEVICE bool logical_and(S a, T b) { return a != 0 && b != 0; }
template <class S, class T> DEVICE bool logical_or(S a, T b) { return a != 0 || b != 0; }
template <class S, class T> DEVICE bool logical_xor(S a, T b) { return (a != 0) != (b != 0); }

// ---------------------------------------------------------------- the threads of a team, as one

// The x of TEAM neighbouring threads, put together by f; each of them gets it, and always in the same order. A team is
// a part of a warp, or else the whole block. All threads of the block have to come here.
template <int TEAM, class T> DEVICE T across(T (*f)(T, T), T x) {
    for (int step = 1; step < TEAM && step < 32; step *= 2) x = f(x, (T)__shfl_xor_sync(0xffffffffu, x, step));
    if (TEAM > 32) {
        __shared__ T parts[32];
        if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
        __syncthreads();
        x = parts[0];
        for (int i = 1; i < TEAM / 32; ++i) x = f(x, parts[i]);
        __syncthreads();
    }
    return x;
}

}  // namespace np
