//! libFuzzer's door to [`posthaste_fuzz::imap_server`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::imap_server(data));
