#include <stdint.h>

// libFuzzer is told of every comparison. What it remembers of those of one or two bytes is read for its value profile alone,
// which tools/fuzz does not use, and costs a tenth of the time of a parser that looks at each byte. The linker puts these in
// the place of its own (Fuzz/Package.swift), and it learns nothing less.
void __wrap___sanitizer_cov_trace_cmp1(uint8_t a, uint8_t b) {}
void __wrap___sanitizer_cov_trace_cmp2(uint16_t a, uint16_t b) {}
void __wrap___sanitizer_cov_trace_const_cmp1(uint8_t constant, uint8_t b) {}
void __wrap___sanitizer_cov_trace_const_cmp2(uint16_t constant, uint16_t b) {}
