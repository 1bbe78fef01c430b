//! Fields of a header (RFC 5322 2.2): where each begins and ends, its name, its value without the folding.
//!
//! A header is what comes before the first empty line. Lines that are no field are kept, as fields without a name,
//! so that the fields of a header always add up to the header. What a value means is not decided here.

use alloc::vec::Vec;

use memchr::{memchr, memchr3};

/// One field of a header, or one line that is not a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as written; empty when this is not a field (no colon, or octets no name can have).
    pub name: &'a [u8],
    /// What follows the colon, with its folding and the line end. The whole line when there is no name.
    pub value: &'a [u8],
    /// All of it: name, colon, value, continuation lines, line end.
    pub raw: &'a [u8],
}

impl<'a> Field<'a> {
    /// Whether this field has that name, in any case.
    pub fn is(&self, name: &[u8]) -> bool {
        !self.name.is_empty() && self.name.eq_ignore_ascii_case(name)
    }

    /// The value on one line, see [`unfold`].
    pub fn unfolded(&self) -> Vec<u8> {
        unfold(self.value)
    }

    fn of(raw: &'a [u8]) -> Self {
        let unnamed = Self { name: &[], value: raw, raw };
        let Some(colon) = memchr(b':', raw) else { return unnamed };
        let (Some(before), Some(value)) = (raw.get(..colon), raw.get(colon.saturating_add(1)..)) else {
            return unnamed;
        };
        // RFC 5322 4.5: obsolete fields may have white space before the colon.
        let name = before.trim_ascii_end();
        if name.is_empty() || !name.iter().all(|octet| matches!(octet, 33..=126)) {
            return unnamed;
        }
        Self { name, value, raw }
    }
}

/// Iterates over the fields of a header, up to its empty line.
///
/// ```
/// use posthaste_imap::message::Fields;
///
/// let mut fields = Fields::of(b"To: a@example.org,\r\n b@example.org\r\nSubject: x\r\n\r\nbody");
/// let to = fields.next().unwrap();
/// assert!(to.is(b"TO"));
/// assert_eq!(to.unfolded(), b"a@example.org, b@example.org");
/// assert_eq!(fields.count(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of a header, or of the header of a message.
    pub fn of(header: &'a [u8]) -> Self {
        Self { rest: header }
    }

    /// What has not been iterated over: in the end the empty line and what follows it.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || empty_line(self.rest).is_some() {
            return None;
        }
        let mut end = line_len(self.rest);
        while let Some(after @ [b' ' | b'\t', ..]) = self.rest.get(end..) {
            end = end.saturating_add(line_len(after));
        }
        let (raw, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some(Field::of(raw))
    }
}

/// A value on one line: line ends of the folding gone, white space at both ends gone, a CR that is no line end
/// turned into a space, NUL left out. Nothing else is touched: encoded words stay, 8-bit octets stay.
///
/// The result has no CR, LF or NUL, whatever the value has.
pub fn unfold(value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    if memchr3(b'\0', b'\r', b'\n', value).is_none() {
        return value.to_vec();
    }
    let mut line = Vec::with_capacity(value.len());
    let mut octets = value.iter().peekable();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\0' | b'\n' => {}
            b'\r' if octets.peek() == Some(&&b'\n') => {}
            b'\r' => line.push(b' '),
            other => line.push(other),
        }
    }
    // What stood around a dropped NUL may be white space.
    let trimmed = line.trim_ascii();
    if trimmed.len() == line.len() { line } else { trimmed.to_vec() }
}

/// A name in lower case, in `room`; nothing where it is longer than that.
pub(super) fn lower_case<'a, const N: usize>(name: &[u8], room: &'a mut [u8; N]) -> &'a [u8] {
    let Some(lower) = room.get_mut(..name.len()) else { return &[] };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    lower
}

/// The length of the line at the front, its line end included.
pub(super) fn line_len(octets: &[u8]) -> usize {
    memchr(b'\n', octets).map_or(octets.len(), |end| end.saturating_add(1))
}

/// The length of the empty line at the front, if there is one.
pub(super) fn empty_line(octets: &[u8]) -> Option<usize> {
    match octets {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}
