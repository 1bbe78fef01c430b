//! Where encoders write to: octets, numbers without the formatting machinery, literals.

use bytes::{BufMut, Bytes, BytesMut};
use core::fmt::{self, Write as _};

use alloc::vec::Vec;

/// What an encoder must know of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodeContext {
    /// Which literals a client may send without waiting. Servers never wait.
    pub literals: LiteralMode,
    /// UTF8=ACCEPT or IMAP4rev2 is enabled: mailbox names and quoted strings are UTF-8.
    pub utf8: bool,
}

/// Which literals a client sends without waiting for a continuation request (RFC 7888).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LiteralMode {
    /// None: the server announced neither extension.
    #[default]
    Synchronising,
    /// LITERAL- or IMAP4rev2: literals of at most 4096 octets.
    NonSynchronisingSmall,
    /// LITERAL+: all.
    NonSynchronising,
}

impl LiteralMode {
    /// Whether a literal of `len` octets has to wait.
    pub const fn waits_for(self, len: u64) -> bool {
        match self {
            Self::Synchronising => true,
            Self::NonSynchronisingSmall => len > SMALL_MAX,
            Self::NonSynchronising => false,
        }
    }
}

/// A piece of a command on its way to the server. `Debug` shows no octets, which may be a password.
#[derive(Clone, PartialEq, Eq)]
pub enum Fragment {
    /// Octets to send.
    Bytes(Bytes),
    /// Wait for a continuation request, then go on. On a tagged response instead, drop the rest.
    SyncPoint,
}

impl fmt::Debug for Fragment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} octets)", bytes.len()),
            Self::SyncPoint => f.write_str("SyncPoint"),
        }
    }
}

pub(super) struct Writer<'a> {
    out: &'a mut BytesMut,
    /// Present in a command: what is complete and may be followed by a wait.
    fragments: Option<&'a mut Vec<Fragment>>,
    pub(super) context: EncodeContext,
}

impl<'a> Writer<'a> {
    pub(super) fn response(out: &'a mut BytesMut, context: EncodeContext) -> Self {
        Self { out, fragments: None, context }
    }

    /// Runs `write` and gives the fragments of the command it wrote.
    pub(super) fn fragments(context: EncodeContext, write: impl FnOnce(&mut Writer<'_>)) -> Vec<Fragment> {
        Self::fragments_within(0, context, write)
    }

    /// The same in memory that does not grow while `room` octets are enough: memory that grows leaves copies behind,
    /// which matters where there is a password in it.
    pub(super) fn fragments_within(
        room: usize,
        context: EncodeContext,
        write: impl FnOnce(&mut Writer<'_>),
    ) -> Vec<Fragment> {
        let mut out = BytesMut::with_capacity(room);
        let mut fragments = Vec::new();
        write(&mut Writer { out: &mut out, fragments: Some(&mut fragments), context });
        if !out.is_empty() {
            fragments.push(Fragment::Bytes(out.freeze()));
        }
        fragments
    }

    pub(super) fn put(&mut self, octets: &[u8]) {
        self.out.put_slice(octets);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.put_slice(text.as_bytes());
    }

    pub(super) fn octet(&mut self, octet: u8) {
        self.out.put_u8(octet);
    }

    /// What `value` shows; only for what cannot show anything that the grammar does not have.
    pub(super) fn display(&mut self, value: &impl fmt::Display) {
        // Writing to a buffer that grows cannot fail.
        let _ = write!(self.out, "{value}");
    }

    pub(super) fn number(&mut self, number: impl Into<u64>) {
        let mut rest: u64 = number.into();
        let mut digits = [0; 20];
        let mut start = digits.len();
        for slot in digits.iter_mut().rev() {
            *slot = digit(rest);
            rest /= 10;
            start = start.saturating_sub(1);
            if rest == 0 {
                break;
            }
        }
        self.put(digits.get(start..).unwrap_or_default());
    }

    /// Two decimal digits of a number below 100.
    pub(super) fn two_digits(&mut self, number: u8) {
        self.octet(digit(u64::from(number / 10)));
        self.octet(digit(u64::from(number)));
    }

    /// `(a b c)`
    pub(super) fn list<T>(&mut self, items: impl IntoIterator<Item = T>, write: impl FnMut(&mut Self, T)) {
        self.octet(b'(');
        self.separated(items, write);
        self.octet(b')');
    }

    /// `a b c`
    pub(super) fn separated<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.octet(b' ');
            }
            write(self, item);
        }
    }

    /// `{n}` and the octets, with NUL replaced by `?`.
    pub(super) fn literal(&mut self, data: &[u8]) {
        self.literal_header(length(data), Nul::Absent);
        if memchr::memchr(0, data).is_none() {
            self.put(data);
        } else {
            for octet in data {
                self.octet(if *octet == 0 { b'?' } else { *octet });
            }
        }
    }

    /// `~{n}` and the octets as they are.
    pub(super) fn literal8(&mut self, data: &[u8]) {
        self.literal_header(length(data), Nul::Possible);
        self.put(data);
    }

    /// The header of a literal with its CRLF; in a command also the wait.
    pub(super) fn literal_header(&mut self, len: u64, nul: Nul) {
        if nul == Nul::Possible {
            self.octet(b'~');
        }
        self.octet(b'{');
        self.number(len);
        let waits = self.context.literals.waits_for(len);
        if self.fragments.is_some() && !waits {
            self.octet(b'+');
        }
        self.put(b"}\r\n");
        if let Some(fragments) = self.fragments.as_mut().filter(|_| waits) {
            fragments.push(Fragment::Bytes(self.out.split().freeze()));
            fragments.push(Fragment::SyncPoint);
        }
    }
}

/// Whether a literal may hold NUL and so needs `~`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nul {
    Absent,
    Possible,
}

/// RFC 7888, section 5.
const SMALL_MAX: u64 = 4096;

/// The last decimal digit.
fn digit(number: u64) -> u8 {
    u8::try_from(number % 10).map_or(b'0', |digit| b'0'.saturating_add(digit))
}

fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}
