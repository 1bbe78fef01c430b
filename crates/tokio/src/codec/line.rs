//! Lines and counted octets in the read buffer of a `Framed`.
//!
//! Decides where a line ends, and that nothing is read behind an error. What a line says is not decided here.

use bytes::{Bytes, BytesMut};

use super::FrameError;

/// Where the reading is.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    /// So many octets of the buffer were searched for a line end in vain.
    searched: usize,
    /// How many octets were taken.
    offset: u64,
    broken: Option<FrameError>,
}

/// A line, and where it begins.
pub(super) struct Line {
    /// Without its CR LF.
    pub(super) text: Bytes,
    pub(super) offset: u64,
}

impl Lines {
    /// How many octets were taken.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the next line. `max` counts its CR LF.
    pub(super) fn next(&mut self, input: &mut BytesMut, max: usize) -> Result<Option<Line>, FrameError> {
        let offset = self.offset;
        let from = self.searched.saturating_sub(1);
        let unseen = input.get(from..).unwrap_or_default();
        let end = unseen.windows(2).position(|pair| pair == b"\r\n").map(|at| from.saturating_add(at));
        let length = end.map_or(input.len(), |end| end.saturating_add(2));
        if length > max || (end.is_none() && length == max) {
            return Err(FrameError::LineTooLong { offset, limit: max });
        }
        let Some(end) = end else {
            self.searched = input.len();
            return Ok(None);
        };
        let mut line = self.take(input, length).unwrap_or_default();
        line.truncate(end);
        Ok(Some(Line { text: line, offset }))
    }

    /// Takes the next line of text, in which no CR or LF may stand alone.
    pub(super) fn strict(&mut self, input: &mut BytesMut, max: usize) -> Result<Option<Line>, FrameError> {
        match self.next(input, max)? {
            Some(line) if posthaste_wire::has_bare_line_end(&line.text) => {
                Err(FrameError::BareLineEnd { offset: line.offset })
            }
            line => Ok(line),
        }
    }

    /// Takes what there is, up to `max` octets. `None` when there is nothing.
    pub(super) fn octets(&mut self, input: &mut BytesMut, max: u64) -> Option<Bytes> {
        let length = usize::try_from(max).unwrap_or(usize::MAX).min(input.len());
        if length == 0 { None } else { self.take(input, length) }
    }

    /// Runs `read` unless an error came before, and remembers one.
    pub(super) fn unbroken<T>(&mut self, read: Result<T, FrameError>) -> Result<T, FrameError> {
        read.inspect_err(|error| self.broken = Some(*error))
    }

    /// The error that came before.
    pub(super) fn intact(&self) -> Result<(), FrameError> {
        self.broken.map_or(Ok(()), Err)
    }

    fn take(&mut self, input: &mut BytesMut, length: usize) -> Option<Bytes> {
        self.searched = 0;
        self.offset = self.offset.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        (length <= input.len()).then(|| input.split_to(length).freeze())
    }
}

/// Whether the input begins with `prefix`, in any case.
pub(super) fn begins_with(input: &[u8], prefix: &[u8]) -> bool {
    input.get(..prefix.len()).is_some_and(|front| front.eq_ignore_ascii_case(prefix))
}

/// `Decoder` for a codec with `lines` and an inherent `read`: errors are kept, and an end within a frame is one.
macro_rules! decoder {
    ($codec:ty, $item:ty) => {
        impl tokio_util::codec::Decoder for $codec {
            type Item = $item;
            type Error = crate::codec::CodecError;

            fn decode(&mut self, input: &mut bytes::BytesMut) -> Result<Option<$item>, Self::Error> {
                self.lines.intact()?;
                let read = self.read(input);
                Ok(self.lines.unbroken(read)?)
            }

            fn decode_eof(&mut self, input: &mut bytes::BytesMut) -> Result<Option<$item>, Self::Error> {
                if let Some(item) = self.decode(input)? {
                    return Ok(Some(item));
                }
                if input.is_empty() && !self.is_within() {
                    return Ok(None);
                }
                let rest = u64::try_from(input.len()).unwrap_or(u64::MAX);
                let offset = self.lines.offset().saturating_add(rest);
                Ok(self.lines.unbroken(Err(crate::codec::FrameError::Cut { offset }))?)
            }
        }
    };
}

/// `Encoder` for octets that are written as they are.
macro_rules! raw_encoder {
    ($codec:ty) => {
        /// Writes octets as they are: a line of a SASL exchange, with its CR LF, or a message that is encoded already.
        impl tokio_util::codec::Encoder<bytes::Bytes> for $codec {
            type Error = crate::codec::CodecError;

            fn encode(&mut self, octets: bytes::Bytes, out: &mut bytes::BytesMut) -> Result<(), Self::Error> {
                out.extend_from_slice(&octets);
                Ok(())
            }
        }
    };
}

pub(super) use {decoder, raw_encoder};
