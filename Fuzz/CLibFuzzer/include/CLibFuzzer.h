// The functions of libFuzzer that a program of its own calls.
#ifndef SLUICE_LIBFUZZER_H
#define SLUICE_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Runs the fuzzer with a command line; `run` is called with each input and returns 0.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*run)(const uint8_t *bytes, size_t count));

/// Changes bytes as the fuzzer would without a mutator of ours; returns how many there are afterwards.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t capacity);

#endif
