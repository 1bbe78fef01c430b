//! Properties of the framing in `posthaste-wire`, each against a specification that is too plain to be wrong.

use bytes::Bytes;
use posthaste_wire::{DotDecoder, DotEncoder, LineTooLong, ReceiveBuffer, SendQueue, TextCheck};

use crate::plan::Plan;

/// Lines: any split gives the lines that cutting at each CR LF gives, and a line that is over the limit is told
/// once and never held.
pub fn wire_lines(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let limit = usize::from(plan.number).max(2);
    let mut buffer = ReceiveBuffer::new();
    let mut seen = Vec::new();
    for piece in plan.pieces() {
        buffer.push(piece);
        loop {
            match buffer.line(limit) {
                Ok(Some(line)) => seen.push(Some(line.to_vec())),
                Ok(None) => break,
                Err(LineTooLong { .. }) => seen.push(None),
            }
        }
        assert!(buffer.len() < limit, "{} octets are held under a limit of {limit}", buffer.len());
    }
    assert_eq!(seen, specified_lines(plan.octets, limit));
}

/// Dot-stuffing: any split decodes as the specification says; what is encoded and decoded again is unchanged, and
/// the encoding ends where it ends and not before.
pub fn wire_dot(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let (pieces, whole) = (plan.pieces(), plan.octets);

    let (content, end) = decode(&pieces);
    match specified_text(whole) {
        Some((text, length)) => {
            assert_eq!(end, Some(length), "the end stands elsewhere");
            assert_eq!(content, text);
        }
        None => assert_eq!(end, None, "an end was found where there is none"),
    }

    let mut out = SendQueue::default();
    let mut encoder = DotEncoder::new();
    for piece in &pieces {
        encoder.encode(Bytes::copy_from_slice(piece), &mut out);
    }
    encoder.finish(&mut out);
    let mut encoded = Vec::new();
    while let Some(bytes) = out.pop() {
        encoded.extend_from_slice(&bytes);
    }
    let mut expected = whole.to_vec();
    if !whole.is_empty() && !whole.ends_with(b"\r\n") {
        expected.extend_from_slice(b"\r\n");
    }
    assert_eq!(decode(&[&encoded]), (expected, Some(encoded.len())), "a text did not come back");

    let (mut cut, mut uncut) = (TextCheck::new(), TextCheck::new());
    uncut.update(whole);
    for piece in pieces {
        cut.update(piece);
    }
    assert_eq!(cut, uncut, "the check of a text depends on the split");
    assert_eq!(uncut.has_nul(), whole.contains(&0));
    assert_eq!(uncut.has_8bit(), !whole.is_ascii());
    assert_eq!(uncut.has_bare_line_end(), has_bare_line_end(whole));
}

/// Feeds the pieces as a machine would; the content, and how many octets there were up to the end.
fn decode(pieces: &[&[u8]]) -> (Vec<u8>, Option<usize>) {
    let (mut decoder, mut buffer) = (DotDecoder::new(), ReceiveBuffer::new());
    let (mut content, mut fed) = (Vec::new(), 0);
    for piece in pieces {
        buffer.push(piece);
        fed += piece.len();
        let (chunk, end) = decoder.read(&mut buffer);
        content.extend_from_slice(&chunk);
        if end {
            return (content, Some(fed - buffer.len()));
        }
        assert!(buffer.len() <= 2, "{} octets of content are held back", buffer.len());
    }
    (content, None)
}

fn specified_lines(input: &[u8], limit: usize) -> Vec<Option<Vec<u8>>> {
    let mut lines = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        match rest.windows(2).position(|pair| pair == b"\r\n") {
            Some(end) => {
                lines.push((end + 2 <= limit).then(|| rest[..end].to_vec()));
                rest = &rest[end + 2..];
            }
            None => {
                if rest.len() >= limit {
                    lines.push(None);
                }
                break;
            }
        }
    }
    lines
}

fn specified_text(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let framed = [b"\r\n", input].concat();
    let end = framed.windows(5).position(|octets| octets == b"\r\n.\r\n")?;
    let text = &framed[..end + 2];
    let kept = (2..text.len()).filter(|&at| !(text[at] == b'.' && &text[at - 2..at] == b"\r\n"));
    Some((kept.map(|at| text[at]).collect(), end + 3))
}

fn has_bare_line_end(text: &[u8]) -> bool {
    (0..text.len()).any(|at| match text[at] {
        b'\r' => text.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || text[at - 1] != b'\r',
        _ => false,
    })
}
