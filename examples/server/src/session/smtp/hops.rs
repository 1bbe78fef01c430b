//! Loops: how many servers a message has been through, counted in its header while it comes in (RFC 5321 6.3).

/// Counts `Received` fields. Memory: a few octets, however the message is cut into chunks.
#[derive(Debug, Default)]
pub(super) struct Hops {
    count: usize,
    line: Line,
}

/// Where in the header the next octet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// So many octets of the line are those of [`FIELD`].
    Name(usize),
    /// Only the end of the line is of interest.
    Rest,
    /// The header is over.
    Body,
}

impl Default for Line {
    fn default() -> Self {
        Self::Name(0)
    }
}

impl Hops {
    /// Takes in the next octets of the message.
    pub(super) fn read(&mut self, mut octets: &[u8]) {
        while let Some((octet, rest)) = octets.split_first() {
            octets = rest;
            self.line = match self.line {
                Line::Body => return,
                Line::Rest if *octet == b'\n' => Line::Name(0),
                Line::Rest => Line::Rest,
                // An empty line; a lone CR does not get here.
                Line::Name(0) if *octet == b'\r' => Line::Body,
                Line::Name(matched) => match FIELD.get(matched) {
                    Some(wanted) if wanted.eq_ignore_ascii_case(octet) => {
                        let matched = matched.saturating_add(1);
                        if matched == FIELD.len() {
                            self.count = self.count.saturating_add(1);
                            Line::Rest
                        } else {
                            Line::Name(matched)
                        }
                    }
                    _ => Line::Rest,
                },
            };
        }
    }

    /// Whether the message has been through more servers than any way has.
    pub(super) const fn is_loop(&self) -> bool {
        self.count > HOPS_MAX
    }
}

const FIELD: &[u8] = b"received:";

/// RFC 5321 6.3 asks for at least 100.
const HOPS_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn count(message: &str, chunk: usize) -> usize {
        let mut hops = Hops::default();
        message.as_bytes().chunks(chunk).for_each(|chunk| hops.read(chunk));
        hops.count
    }

    #[test]
    fn received_fields_of_the_header_count_however_the_message_is_cut() {
        let message = "RECEIVED: a\r\n\tReceived: folded\r\nreceived:b\r\nX-Received: c\r\nReceivedness: d\r\n\r\nReceived: body\r\n";
        for chunk in 1..message.len() {
            assert_eq!(count(message, chunk), 2, "{chunk}");
        }
        assert_eq!(count("\r\nReceived: body\r\n", 7), 0);
    }

    #[test]
    fn more_than_a_hundred_is_a_loop() {
        let mut hops = Hops::default();
        hops.read("Received: x\r\n".repeat(HOPS_MAX).as_bytes());
        assert!(!hops.is_loop());
        hops.read(b"Received: x\r\n");
        assert!(hops.is_loop());
    }
}
