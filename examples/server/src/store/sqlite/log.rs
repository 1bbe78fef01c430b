//! The end of the log (WAL) after a commit that failed while it was flushed. All of it may be in the file then, and
//! whoever opens the database next would take it for done, although everybody was told that it is not.
//!
//! How many frames of the log count is in the index of the log, which is changed after the flush only
//! (<https://www.sqlite.org/walformat.html>); what lies behind them is cut off. Other connections read no frame that
//! does not count, so this does not disturb them.

use std::fs::File;
use std::io::{self, Read};

use rusqlite::Connection;

/// Cuts off what was written behind the last commit that succeeded. For the writer, with no transaction open.
pub(super) fn cut(sql: &Connection) -> io::Result<()> {
    let Some(database) = sql.path() else { return Ok(()) };
    let mut index = [0; 20];
    File::open(format!("{database}-shm"))?.read_exact(&mut index)?;
    let [.., a, b, c, d] = index;
    let frames = u64::from(u32::from_ne_bytes([a, b, c, d]));
    let log = File::options().read(true).write(true).open(format!("{database}-wal"))?;
    let mut header = [0; 12];
    (&log).read_exact(&mut header)?;
    let [.., a, b, c, d] = header;
    let page = u64::from(u32::from_be_bytes([a, b, c, d]));
    let end = page.saturating_add(FRAME_HEADER).saturating_mul(frames).saturating_add(LOG_HEADER);
    if log.metadata()?.len() > end {
        log.set_len(end)?;
        // The disk has failed already: this may, too, and then the file is shorter for this machine only.
        log.sync_data()?;
    }
    Ok(())
}

/// Octets in front of the first frame.
const LOG_HEADER: u64 = 32;
/// Octets in front of the page of each frame.
const FRAME_HEADER: u64 = 24;
