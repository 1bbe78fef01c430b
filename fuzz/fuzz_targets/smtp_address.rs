//! libFuzzer's door to [`posthaste_fuzz::smtp_address`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::smtp_address(data));
