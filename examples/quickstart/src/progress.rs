//! How far a transfer has come: a bar on the standard error where that is a terminal, nothing where it is a file.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over octets; one without a total counts up. It clears itself away when it is done.
pub fn octets(total: Option<u64>, what: impl Into<Cow<'static, str>>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes}"),
    };
    // The template is ours; a bar with the usual look would do as well.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style).with_message(what)
}
