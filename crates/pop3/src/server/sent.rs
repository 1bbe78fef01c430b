//! How long a message is on the way (RFC 1939 11): what STAT and LIST count, and RETR sends.
//!
//! It says in advance what [`BodyWriter`](super::BodyWriter) will write, without dots that are doubled: every CR or LF
//! that stands alone as a CR LF, and one more CR LF where the last line has no end.

/// Counts the octets that RETR will send of a message which is handed over in pieces, cut anywhere.
///
/// For [`Listed::size`](super::Listed::size). A store counts once, when the message comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SentSize {
    octets: u64,
    /// The last octet so far.
    last: Option<u8>,
}

impl SentSize {
    /// That of a message of which nothing was seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { octets: 0, last: None }
    }

    /// Counts the next piece of the message.
    pub fn add(&mut self, piece: &[u8]) {
        let (Some(first), Some(last)) = (piece.first(), piece.last()) else { return };
        let mut alone = u64::from((self.last == Some(b'\r')) != (*first == b'\n'));
        // So few at a time that an octet counts them, which is many at once for the machine.
        for window in piece.chunks(WINDOW).zip(piece.get(1..).unwrap_or_default().chunks(WINDOW)) {
            alone = alone.saturating_add(u64::from(alone_in(window)));
        }
        let octets = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.octets = self.octets.saturating_add(octets).saturating_add(alone);
        self.last = Some(*last);
    }

    /// Octets of the message, which ends here.
    #[must_use]
    pub const fn octets(self) -> u64 {
        let end = match self.last {
            None | Some(b'\n') => 0,
            // The other half of the line end.
            Some(b'\r') => 1,
            Some(_) => 2,
        };
        self.octets.saturating_add(end)
    }
}

/// How many octets have a CR before them and are no LF, or the other way round.
fn alone_in((before, octets): (&[u8], &[u8])) -> u8 {
    let pairs = before.iter().zip(octets);
    pairs.fold(0, |alone: u8, (before, octet)| {
        alone.wrapping_add(u8::from(*before == b'\r') ^ u8::from(*octet == b'\n'))
    })
}

/// Octets that are counted in one octet.
const WINDOW: usize = 255;
