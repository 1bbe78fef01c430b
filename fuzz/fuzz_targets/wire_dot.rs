//! libFuzzer's door to [`posthaste_fuzz::wire_dot`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::wire_dot(data));
