//! THREAD, command and response (RFC 5256, section 5).
//!
//! A tree may be as deep as a mailbox has messages: it is read into a flat list, with a stack of numbers only.

use super::cursor::{Cursor, Result};
use super::search::{charset, keys};
use super::string::label;
use crate::types::{ThreadAlgorithm, ThreadCommand, ThreadNode, Threads};
use alloc::vec::Vec;

pub(super) fn command(cursor: &mut Cursor<'_>) -> Result<ThreadCommand> {
    let algorithm = ThreadAlgorithm::named(label(cursor, "thread-alg")?);
    cursor.space("thread")?;
    let charset = charset(cursor)?;
    cursor.space("search-criteria")?;
    Ok(ThreadCommand { algorithm, charset, keys: keys(cursor)? })
}

/// `[SP 1*thread-list]`, with spaces between the lists where a server puts them.
pub(super) fn threads(cursor: &mut Cursor<'_>) -> Result<Threads> {
    let mut nodes: Vec<ThreadNode> = Vec::new();
    // For each open parenthesis: the depth of what comes next in it, and whether it has anything yet.
    let mut open: Vec<(u32, bool)> = Vec::new();
    if !super::acl::more(cursor)? {
        return Ok(Threads::default());
    }
    loop {
        match cursor.peek() {
            Some(b'(') => {
                cursor.pass();
                let depth = match open.last_mut() {
                    None => 0,
                    // Two lists at the beginning of one: their parent is not there.
                    Some((depth, has_any @ false)) => {
                        *has_any = true;
                        nodes.push(ThreadNode { number: None, depth: *depth });
                        *depth = depth.saturating_add(1);
                        *depth
                    }
                    Some((depth, true)) => *depth,
                };
                open.push((depth, false));
            }
            Some(b')') => match open.pop() {
                Some((_, true)) => cursor.pass(),
                _ => return cursor.fail("thread-list"),
            },
            Some(b' ') => cursor.pass(),
            Some(b'0'..=b'9') => {
                let number = cursor.nz_number("thread-members")?;
                let Some((depth, has_any)) = open.last_mut() else { return cursor.fail("thread-list") };
                nodes.push(ThreadNode { number: Some(number), depth: *depth });
                *depth = depth.saturating_add(1);
                *has_any = true;
            }
            None if open.is_empty() => return Ok(Threads::new(nodes)),
            _ => return cursor.fail("thread-list"),
        }
    }
}
