//! libFuzzer's door to [`posthaste_fuzz::pop3_answer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::pop3_answer(data));
