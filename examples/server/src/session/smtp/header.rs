//! What a header says while it comes in: through how many servers the message has been (RFC 5321 6.3), to whom it was
//! delivered before, and what it calls itself. Nothing is kept of the rest, however the message is cut into chunks.

/// Reads a message from its beginning and remembers what matters of its header. Memory: at most a few tens of KiB,
/// and next to nothing for a usual header.
#[derive(Debug, Default)]
pub(super) struct Header {
    received: usize,
    delivered_to: Vec<Vec<u8>>,
    message_id: Option<Vec<u8>>,
    line: Line,
}

/// Where in the header the next octet is.
#[derive(Debug, Default)]
enum Line {
    /// In a name, of which this is known.
    #[default]
    Start,
    Name(Vec<u8>),
    /// In a value that is kept.
    Value(Kept, Vec<u8>),
    /// Only the end of the line is of interest.
    Rest,
    /// The header is over.
    Body,
}

/// Values that are kept.
#[derive(Debug, Clone, Copy)]
enum Kept {
    DeliveredTo,
    MessageId,
}

impl Header {
    /// Takes in the next octets of the message.
    pub(super) fn read(&mut self, octets: &[u8]) {
        for octet in octets {
            if matches!(self.line, Line::Body) {
                return;
            }
            self.step(*octet);
        }
    }

    /// Whether the message has been through more servers than any way has.
    pub(super) const fn is_loop(&self) -> bool {
        self.received > HOPS_MAX
    }

    /// The addresses that it was delivered to already, as written.
    pub(super) fn delivered_to(&self) -> impl Iterator<Item = &str> {
        self.delivered_to.iter().filter_map(|value| Some(std::str::from_utf8(value).ok()?.trim()))
    }

    /// What it calls itself, without the brackets; empty when it does not.
    pub(super) fn message_id(&self) -> String {
        let value = String::from_utf8_lossy(self.message_id.as_deref().unwrap_or_default());
        value
            .trim()
            .trim_start_matches('<')
            .trim_end_matches('>')
            .chars()
            .filter(|c| !c.is_control())
            .collect()
    }

    fn step(&mut self, octet: u8) {
        self.line = match (std::mem::take(&mut self.line), octet) {
            (Line::Value(kept, value), b'\n') => {
                self.keep(kept, value);
                Line::Start
            }
            (Line::Rest | Line::Name(_), b'\n') => Line::Start,
            (Line::Value(kept, mut value), octet) => {
                if value.len() < VALUE_MAX {
                    value.push(octet);
                }
                Line::Value(kept, value)
            }
            // An empty line; a CR that stands alone does not get here.
            (Line::Start, b'\r' | b'\n') | (Line::Body, _) => Line::Body,
            // A line that goes on with the field before it.
            (Line::Start, b' ' | b'\t') | (Line::Rest, _) => Line::Rest,
            (Line::Start, octet) => Line::Name(vec![octet]),
            (Line::Name(name), b':') => self.named(name.trim_ascii_end()),
            (Line::Name(mut name), octet) if name.len() < NAME_MAX => {
                name.push(octet);
                Line::Name(name)
            }
            (Line::Name(_), _) => Line::Rest,
        };
    }

    fn named(&mut self, name: &[u8]) -> Line {
        if name.eq_ignore_ascii_case(b"received") {
            self.received = self.received.saturating_add(1);
        } else if name.eq_ignore_ascii_case(b"delivered-to") && self.delivered_to.len() < HOPS_MAX {
            return Line::Value(Kept::DeliveredTo, Vec::new());
        } else if name.eq_ignore_ascii_case(b"message-id") && self.message_id.is_none() {
            return Line::Value(Kept::MessageId, Vec::new());
        }
        Line::Rest
    }

    fn keep(&mut self, kept: Kept, value: Vec<u8>) {
        match kept {
            Kept::DeliveredTo => self.delivered_to.push(value),
            Kept::MessageId => self.message_id = Some(value),
        }
    }
}

/// RFC 5321 6.3 asks for at least 100.
const HOPS_MAX: usize = 100;

/// Octets of a name that are looked at: those of the longest of interest, and white space behind it.
const NAME_MAX: usize = 20;

/// Octets of a value that are kept: a path has 256 (RFC 5321 4.5.3.1.3).
const VALUE_MAX: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: &str, chunk: usize) -> Header {
        let mut header = Header::default();
        message.as_bytes().chunks(chunk).for_each(|chunk| header.read(chunk));
        header
    }

    #[test]
    fn fields_of_the_header_count_however_the_message_is_cut() {
        let message = "RECEIVED: a\r\n\tReceived: folded\r\nreceived :b\r\nX-Received: c\r\nReceivedness: d\r\n\
                       Delivered-To: a@x.test\r\nDELIVERED-TO:\tb@x.test \r\nMessage-Id: <m@x>\r\nMessage-ID: <n@x>\r\n\
                       \r\nReceived: body\r\nDelivered-To: c@x.test\r\n";
        for chunk in 1..message.len() {
            let header = read(message, chunk);
            assert_eq!(header.received, 2, "{chunk}");
            assert_eq!(header.delivered_to().collect::<Vec<_>>(), ["a@x.test", "b@x.test"]);
            assert_eq!(header.message_id(), "m@x");
        }
        assert_eq!(read("\r\nReceived: body\r\n", 7).received, 0);
        assert_eq!(read("no end of a line", 3).message_id(), "");
    }

    #[test]
    fn more_than_a_hundred_is_a_loop() {
        let mut header = Header::default();
        header.read("Received: x\r\n".repeat(HOPS_MAX).as_bytes());
        assert!(!header.is_loop());
        header.read(b"Received: x\r\n");
        assert!(header.is_loop());
    }

    #[test]
    fn a_hostile_header_is_not_kept() {
        let long = "x".repeat(100_000);
        let header = read(&format!("Delivered-To: {long}\r\n{long}: y\r\n").repeat(200), 4096);
        assert_eq!(header.delivered_to.len(), HOPS_MAX);
        assert!(header.delivered_to.iter().all(|value| value.len() <= VALUE_MAX));
    }
}
