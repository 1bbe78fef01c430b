//! What SEARCH, SORT and THREAD compare of a message, read from its stored summary without the rest.
//!
//! The parts are passed over and not looked into: no tree is made and nothing is allocated for them. What is passed
//! over must be as long as it says, up to the last octet; whether the parts make a tree is what
//! [`Summary::from_bytes`](super::Summary::from_bytes) asks.

use super::{
    date::SentDate,
    overview::Overview,
    stored::{Reader, VERSION},
};

/// What is compared of a message. The texts are those of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Compared<'a> {
    /// The `Subject` field, as in the envelope.
    pub subject: Option<&'a [u8]>,
    /// When the message says it was sent; `None` without a date that exists.
    pub sent: Option<SentDate>,
    /// What SORT and THREAD compare.
    pub overview: Overview<'a>,
}

impl<'a> Compared<'a> {
    /// Reads what [`Summary::to_bytes`](super::Summary::to_bytes) wrote. Of every record that is read as a summary
    /// it says what the summary says. `None` for another version, and where what it passes over has no end.
    ///
    /// ```
    /// use posthaste_imap::message::{Compared, Summary};
    ///
    /// let stored = Summary::scan(b"Subject: Re: Lunch?\r\n\r\nAt noon.\r\n").to_bytes();
    /// let compared = Compared::from_bytes(&stored).unwrap();
    /// assert_eq!(compared.subject, Some(&b"Re: Lunch?"[..]));
    /// assert_eq!(compared.overview.subject, "LUNCH?");
    /// ```
    pub fn from_bytes(octets: &'a [u8]) -> Option<Self> {
        let mut reader = Reader { rest: octets };
        if reader.octet()? != VERSION {
            return None;
        }
        let _octets = reader.size()?;
        let others = reader.size()?;
        reader.skip_content()?;
        // The envelope of the root, which there always is.
        if reader.octet()? != 1 {
            return None;
        }
        let (date, subject) = (reader.optional()?, reader.optional()?);
        reader.skip_rest_of_envelope()?;
        reader.skip_items(others, Reader::skip_part)?;
        let overview = reader.overview()?;
        reader.text()?;
        let sent = date.and_then(SentDate::parse);
        reader.rest.is_empty().then_some(Self { subject, sent, overview })
    }
}

/// Going behind things. Of strings that nobody is told nothing is checked but their length.
impl Reader<'_> {
    fn skip_part(&mut self) -> Option<()> {
        self.skip_content()?;
        match self.octet()? {
            0 => Some(()),
            1 => {
                self.skip_optional()?;
                self.skip_optional()?;
                self.skip_rest_of_envelope()
            }
            _ => None,
        }
    }

    /// A part up to where its envelope is.
    fn skip_content(&mut self) -> Option<()> {
        let _kind = self.octet()?;
        for _ in 0..NUMBERS {
            self.number()?;
        }
        // The type and the subtype.
        self.skip_string()?;
        self.skip_string()?;
        self.skip_parameters()?;
        // The encoding.
        self.skip_string()?;
        // The id, the description and the checksum.
        for _ in 0..3 {
            self.skip_optional()?;
        }
        match self.octet()? {
            0 => {}
            1 => {
                self.skip_string()?;
                self.skip_parameters()?;
            }
            _ => return None,
        }
        self.skip_list(Self::skip_string)?;
        // The location.
        self.skip_optional()
    }

    /// An envelope behind its date and its subject.
    fn skip_rest_of_envelope(&mut self) -> Option<()> {
        for _ in 0..ADDRESS_LISTS {
            self.skip_list(Self::skip_address)?;
        }
        // What it answers, and its id.
        self.skip_optional()?;
        self.skip_optional()
    }

    pub(super) fn skip_address(&mut self) -> Option<()> {
        match self.octet()? {
            0 => {
                self.skip_optional()?;
                self.skip_optional()?;
                self.skip_string()?;
                self.skip_string()
            }
            1 => self.skip_string(),
            2 => Some(()),
            _ => None,
        }
    }

    fn skip_parameters(&mut self) -> Option<()> {
        self.skip_list(Self::skip_parameter)
    }

    pub(super) fn skip_parameter(&mut self) -> Option<()> {
        self.skip_string()?;
        self.skip_string()
    }

    pub(super) fn skip_list(&mut self, skip: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.size()?;
        self.skip_items(count, skip)
    }

    /// Every item takes an octet at least: a count that lies ends with the octets.
    pub(super) fn skip_items(&mut self, count: usize, skip: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        for _ in 0..count {
            skip(self)?;
        }
        Some(())
    }

    pub(super) fn skip_optional(&mut self) -> Option<()> {
        match self.octet()? {
            0 => Some(()),
            1 => self.skip_string(),
            _ => None,
        }
    }

    pub(super) fn skip_string(&mut self) -> Option<()> {
        let len = self.size()?;
        self.rest = self.rest.get(len..)?;
        Some(())
    }
}

/// The numbers of a part: its parent, three offsets, lines and the decoded size.
const NUMBERS: usize = 6;
/// The lists of addresses in an envelope.
const ADDRESS_LISTS: usize = 6;
