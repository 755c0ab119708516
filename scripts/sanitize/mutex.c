// Tells ThreadSanitizer of the slow ways through Synchronization.Mutex.
//
// A lock that nobody contends for is taken and given back by code of ours, which is instrumented. Where somebody waits, the
// standard library does it, which is not: every access below a contended lock would be reported as a race. To be preloaded.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void (*Lock)(uint32_t, SELF);
typedef SWIFT void (*Unlock)(SELF);
typedef void (*Note)(void *);

SWIFT void lock_slow(uint32_t thread, SELF mutex) __asm__(LOCK);
SWIFT void unlock_slow(SELF mutex) __asm__(UNLOCK);

SWIFT void lock_slow(uint32_t thread, SELF mutex) {
    ((Lock)dlsym(RTLD_NEXT, LOCK))(thread, mutex);
    Note acquire = (Note)dlsym(RTLD_DEFAULT, "__tsan_acquire");
    if (acquire) acquire(mutex);
}

SWIFT void unlock_slow(SELF mutex) {
    Note release = (Note)dlsym(RTLD_DEFAULT, "__tsan_release");
    if (release) release(mutex);
    ((Unlock)dlsym(RTLD_NEXT, UNLOCK))(mutex);
}
