//! How an input is read: a few octets that say how to cut, then the octets that are cut.
//!
//! A plain layout, so that a corpus file can be written by hand: one octet for a number, one for how many cuts
//! follow, an octet for each cut, and the rest is what the peer sends.

/// An input taken apart.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// A small number for the body to use as it likes.
    pub(crate) number: u8,
    cuts: &'a [u8],
    /// What the peer sends.
    pub(crate) octets: &'a [u8],
}

impl<'a> Plan<'a> {
    /// Reads the plan; `None` when the input is too short for one.
    pub(crate) fn read(input: &'a [u8]) -> Option<Self> {
        let (&number, rest) = input.split_first()?;
        let (&count, rest) = rest.split_first()?;
        let (cuts, octets) = rest.split_at_checked(usize::from(count % 16))?;
        Some(Self { number, cuts, octets })
    }

    /// The octets in pieces: each cut gives the length of the next piece, and what is left is the last one.
    pub(crate) fn pieces(&self) -> Vec<&'a [u8]> {
        let mut rest = self.octets;
        let mut pieces = Vec::new();
        for cut in self.cuts {
            let (piece, behind) = rest.split_at(usize::from(*cut).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        pieces
    }
}
