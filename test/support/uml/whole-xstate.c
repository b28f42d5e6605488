// Lets user-mode Linux run on processors whose register state is larger than it was built for (AMX: 11 kB).
// Knows only ptrace: the kernel refuses a state that is shorter than the processor's own, so the rest is kept as it is.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

typedef long (*ptrace_function)(enum __ptrace_request, ...);

static ptrace_function real;
// Not on the stack: user-mode Linux calls from kernel stacks of 16 kB.
static unsigned char whole[65536] __attribute__((aligned(64)));

__attribute__((constructor)) static void find_real(void) {
  real = (ptrace_function)dlsym(RTLD_NEXT, "ptrace");
}

long ptrace(enum __ptrace_request request, ...) {
  va_list rest;
  va_start(rest, request);
  int pid = va_arg(rest, int);
  void *address = va_arg(rest, void *);
  void *data = va_arg(rest, void *);
  va_end(rest);
  if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE) {
    struct iovec *given = data;
    struct iovec all = {whole, sizeof whole};
    if (real(PTRACE_GETREGSET, pid, address, &all) == 0 && all.iov_len > given->iov_len) {
      memcpy(whole, given->iov_base, given->iov_len);
      return real(request, pid, address, &all);
    }
  }
  return real(request, pid, address, data);
}
