//! What a summary keeps besides the structure: decoded sizes for BINARY, the overview, the preview.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::num::NonZeroU32;

use posthaste_imap::message::{Decoded, Limits, Overview, Summary, TransferDecoder, TransferEncoding};
use posthaste_imap::types::PartPath;
use proptest::prelude::*;

fn path(numbers: &[u32]) -> PartPath {
    PartPath::new(numbers.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect()).unwrap()
}

fn decoded(summary: &Summary, numbers: &[u32]) -> Decoded {
    summary.locate_decoded(Some(&path(numbers))).unwrap()
}

const MIXED: &[u8] = b"Subject: [x] Re: a\r\nDate: 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <a@b>\r\n\
    References: <c@d> <e@f>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
    --x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nca=66=\r\ne  \r\n--x\r\n\
    Content-Type: image/png\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8=\r\n--x\r\n\
    Content-Type: image/png\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin\r\n--x\r\n\
    Content-Type: message/rfc822\r\n\r\nSubject: b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--x--\r\n";

#[test]
fn rfc9051_7_5_2_the_size_of_text_is_that_of_its_lines() {
    for (head, text) in [
        ("text/plain", "a\r\nb\r\n"),
        ("application/octet-stream", "a\nb\r\n"),
        ("text/plain; charset=UTF-16LE", "a\nb\r\n"),
    ] {
        for (encoding, body) in [("8bit", "a\nb\r\n"), ("base64", "YQpiDQo=")] {
            let message =
                format!("Content-Type: {head}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");
            let found = decoded(&Summary::scan(message.as_bytes()), &[1]);
            let octets = found.decoder().unwrap().rest(found.span.of(message.as_bytes()));
            assert_eq!(
                (&*octets, found.octets),
                (text.as_bytes(), Some(text.len() as u64)),
                "{head} {encoding}"
            );
        }
    }
}

#[test]
fn binary_sizes_are_those_of_the_decoded_parts() {
    let summary = Summary::scan(MIXED);
    let whole = summary.locate_decoded(None).unwrap();
    assert_eq!((whole.octets, whole.encoding), (Some(MIXED.len() as u64), Some(TransferEncoding::Identity)));
    for (part, octets) in [(1, &b"cafe"[..]), (2, b"hello")] {
        let Decoded { span, encoding, octets: size, .. } = decoded(&summary, &[part]);
        assert_eq!(TransferDecoder::all(encoding.unwrap(), span.of(MIXED)), octets);
        assert_eq!(size, Some(octets.len() as u64));
    }
    // UNKNOWN-CTE
    assert_eq!((decoded(&summary, &[3]).encoding, decoded(&summary, &[3]).octets), (None, None));
    // An enclosed message is as it is; the part in it is decoded.
    assert_eq!(decoded(&summary, &[4]).octets, Some(decoded(&summary, &[4]).span.len() as u64));
    assert_eq!(decoded(&summary, &[4, 1]).octets, Some(1));
    assert_eq!(summary.locate_decoded(Some(&path(&[5]))), None);
}

#[test]
fn one_scan_is_enough_for_sort_thread_and_preview() {
    let summary = Summary::from_bytes(&Summary::scan(MIXED).to_bytes()).unwrap();
    let overview = summary.overview();
    assert_eq!((&*overview.subject, overview.is_reply), ("A", true));
    assert_eq!(overview.message_id.as_deref(), Some(&b"a@b"[..]));
    assert_eq!(overview.references, [&b"c@d"[..], b"e@f"]);
    assert_eq!(overview.sent, Some(1_767_225_600));
    assert_eq!(summary.preview(), "cafe");
}

#[test]
fn an_older_form_is_scanned_again() {
    let mut octets = Summary::scan(MIXED).to_bytes().to_vec();
    octets[0] = 1;
    assert_eq!(Summary::from_bytes(&octets.into()), None);
}

#[test]
fn mime_01_nested_and_encoded_messages_take_linear_time() {
    let nested = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    assert!(Summary::scan(nested.as_bytes()).parts().count() <= Limits::default().depth_max);
    let part = "--b\r\nContent-Transfer-Encoding: base64\r\n\r\naaaa\r\n".repeat(9_000);
    let many = ["Content-Type: multipart/mixed; boundary=b\r\n\r\n", &part].concat();
    let summary = Summary::scan(many.as_bytes());
    assert_eq!(summary.parts().filter(|part| part.decoded == Some(3)).count(), 9_000);
}

#[test]
fn mime_03_references_and_subjects_of_a_megabyte_are_capped() {
    let ids: String = (0..50_000).map(|at| format!("<{at}@x>")).collect();
    let header = format!("References: {ids}\r\nSubject: {}\r\n\r\n", "Re: [x] ".repeat(100_000));
    let overview = Summary::scan(header.as_bytes()).overview().into_owned();
    assert!(overview.references.len() <= Limits::default().references_max);
    assert!(overview.to_bytes().len() < 64 * 1024);
}

proptest! {
    #[test]
    fn any_octets_have_an_overview_that_comes_back(
        lines in prop::collection::vec("(Subject|From|To|Cc|Date|Message-ID|References|In-Reply-To): [ -~é]{0,40}\r\n", 0..8),
    ) {
        let header = lines.concat();
        let summary = Summary::scan(header.as_bytes());
        let overview = summary.overview();
        let octets = overview.to_bytes();
        prop_assert_eq!(Overview::from_bytes(&octets), Some(overview.clone()));
        // What is read is written as it was.
        for at in 0..octets.len() {
            let mut damaged = octets.clone();
            damaged[at] ^= 0x55;
            if let Some(read) = Overview::from_bytes(&damaged) {
                prop_assert_eq!(read.to_bytes(), damaged);
            }
        }
    }
}
