//! What anybody may ask, for the fuzzer.

use super::range::{Range, parse};

/// A range of a file of this length lies within it.
pub(crate) fn range(header: &str, length: usize) {
    if let Range::Part(from, to) = parse(Some(header), length) {
        assert!(from < to && to <= length, "{header}: {from}..{to} of {length}");
    }
}
