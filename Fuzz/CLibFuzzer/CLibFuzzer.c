// Declarations only: the library comes with -sanitize=fuzzer.
