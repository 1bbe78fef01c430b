//! libFuzzer's door to [`posthaste_fuzz::imap_client`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| posthaste_fuzz::imap_client(data));
