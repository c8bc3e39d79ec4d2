//! Byte ranges (RFC 9110 §14).

/// What a `Range` header asks of a representation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it: no header, several ranges, or another unit (§14.2 allows to ignore those).
    Whole,
    /// Bytes `start..end`.
    Part(usize, usize),
    /// Nothing of it exists.
    Unsatisfiable,
}

/// Reads `header` for a representation of `length` bytes.
pub(super) fn parse(header: Option<&str>, length: usize) -> Range {
    let Some(spec) = header.and_then(|h| h.trim().strip_prefix("bytes=")) else { return Range::Whole };
    if spec.contains(',') {
        return Range::Whole;
    }
    let Some((first, last)) = spec.trim().split_once('-') else { return Range::Whole };
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), _) if first >= length => Range::Unsatisfiable,
        (Ok(first), Ok(last)) if last >= first => Range::Part(first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => Range::Part(first, length),
        (Err(_), Ok(suffix)) if first.is_empty() => match suffix {
            0 => Range::Unsatisfiable,
            n => Range::Part(length.saturating_sub(n), length),
        },
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_range() {
        assert_eq!(parse(None, 10), Range::Whole);
        assert_eq!(parse(Some("bytes=0-3"), 10), Range::Part(0, 4));
        assert_eq!(parse(Some("bytes=7-"), 10), Range::Part(7, 10));
        assert_eq!(parse(Some("bytes=-3"), 10), Range::Part(7, 10));
        assert_eq!(parse(Some("bytes=-30"), 10), Range::Part(0, 10));
        assert_eq!(parse(Some("bytes=5-99"), 10), Range::Part(5, 10));
        assert_eq!(parse(Some("bytes=10-"), 10), Range::Unsatisfiable);
        assert_eq!(parse(Some("bytes=-0"), 10), Range::Unsatisfiable);
        for odd in ["bytes=3-1", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes", "bytes=--1"] {
            assert_eq!(parse(Some(odd), 10), Range::Whole, "{odd}");
        }
    }
}
