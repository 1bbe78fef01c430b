//! libFuzzer's door to [`posthaste_fuzz::imap_summary`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::imap_summary(data));
