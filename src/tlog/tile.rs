//! Tiles of the tree: 256 hashes each, and where they are found (C2SP tlog-tiles).

use super::tree::{Hash, Nodes, node_hash};

/// Levels of the tree in a tile.
pub(super) const HEIGHT: u32 = 8;
/// Hashes in a whole tile.
pub const WIDTH: usize = 1 << HEIGHT;

/// Which tile: its level counts tiles, not nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0: hashes of leaves.
    pub level: u32,
    /// From the left.
    pub index: u64,
}

/// What an address below the log's `tile/` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TilePath {
    /// Hashes, and how many of them.
    Hashes(TileId, usize),
    /// The entries whose hashes the tile of this index on level 0 holds, and how many of them.
    Entries(u64, usize),
}

impl TilePath {
    /// Reads what stands after `tile/`; none where it is not written the one way it can be.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, decimal(width).filter(|w| (1..WIDTH as u64).contains(w))?),
            None => (rest, WIDTH as u64),
        };
        let (index, width) = (parse_index(index)?, width as usize);
        match kind {
            "entries" => Some(Self::Entries(index, width)),
            level => {
                let level = decimal(level).filter(|l| *l < 64)? as u32;
                Some(Self::Hashes(TileId { level, index }, width))
            }
        }
    }
}

/// A decimal number without needless zeroes.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// Three digits a part, all but the last with an `x`.
fn parse_index(text: &str) -> Option<u64> {
    let mut parts = text.split('/').peekable();
    let (mut index, mut is_first) = (0_u64, true);
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let digits = if is_last { part } else { part.strip_prefix('x')? };
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // A leading part of zeroes would be another way to write the same.
        if is_first && !is_last && digits == "000" {
            return None;
        }
        is_first = false;
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
    }
    Some(index)
}

/// The hash at the top of a whole tile, or of the perfect subtree that these are.
pub(super) fn top(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| node_hash(&pair[0], &pair[pair.len() - 1])).collect();
    }
    row.first().copied().unwrap_or_else(super::tree::empty_root)
}

/// Tiles that can be read, as far as they are filled.
pub trait Tiles {
    /// Why one cannot be had.
    type Error;
    /// The hashes of a tile.
    fn tile(&self, id: TileId) -> Result<Vec<Hash>, Self::Error>;
    /// The error of a tile that has too few.
    fn missing(&self, id: TileId) -> Self::Error;
}

/// Nodes of tiles.
#[derive(Debug, Clone, Copy)]
pub struct InTiles<'a, T>(pub &'a T);

impl<T: Tiles> Nodes for InTiles<'_, T> {
    type Error = T::Error;
    fn node(&self, level: u32, index: u64) -> Result<Hash, T::Error> {
        let below = level % HEIGHT;
        let first = index << below;
        let id = TileId { level: level / HEIGHT, index: first >> HEIGHT };
        let at = (first % WIDTH as u64) as usize;
        let hashes = self.0.tile(id)?;
        hashes.get(at..at + (1 << below)).map(top).ok_or_else(|| self.0.missing(id))
    }
}

/// Appends leaves to the tiles of a tree of `size` leaves. `read` gives a tile that is not
/// whole; returned are the tiles that have changed, as they are then.
pub fn append<E>(
    mut size: u64,
    leaves: &[Hash],
    mut read: impl FnMut(TileId) -> Result<Vec<Hash>, E>,
) -> Result<Vec<(TileId, Vec<Hash>)>, E> {
    let mut open: Vec<(TileId, Vec<Hash>)> = Vec::new();
    let mut whole = Vec::new();
    for leaf in leaves {
        let mut hash = *leaf;
        for level in 0.. {
            let index = size >> (HEIGHT * (level + 1));
            let id = TileId { level, index };
            let at = level as usize;
            if open.len() <= at {
                let has = (size >> (HEIGHT * level)) % WIDTH as u64;
                open.push((id, if has == 0 { Vec::new() } else { read(id)? }));
            }
            let (id, hashes) = &mut open[at];
            hashes.push(hash);
            if hashes.len() < WIDTH {
                break;
            }
            hash = top(hashes);
            whole.push((*id, std::mem::take(hashes)));
            id.index += 1;
        }
        size += 1;
    }
    whole.extend(open.into_iter().filter(|(_, hashes)| !hashes.is_empty()));
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::tree::tests::numbered;
    use super::super::tree::tree_root;
    use super::*;

    #[derive(Default)]
    struct Held(BTreeMap<TileId, Vec<Hash>>);

    impl Tiles for Held {
        type Error = TileId;
        fn tile(&self, id: TileId) -> Result<Vec<Hash>, TileId> {
            self.0.get(&id).cloned().ok_or(id)
        }
        fn missing(&self, id: TileId) -> TileId {
            id
        }
    }

    #[test]
    fn addresses_are_written_one_way() {
        let hashes = |level, index, width| Some(TilePath::Hashes(TileId { level, index }, width));
        // The specification's own example.
        assert_eq!(TilePath::parse("0/x001/x234/067"), hashes(0, 1_234_067, 256));
        assert_eq!(TilePath::parse("2/000.p/1"), hashes(2, 0, 1));
        assert_eq!(TilePath::parse("entries/x001/000.p/112"), Some(TilePath::Entries(1000, 112)));
        for bad in [
            "0/1",
            "0/0001",
            "00/000",
            "64/000",
            "0/000.p/0",
            "0/000.p/256",
            "0/000.p/01",
            "0/001/000",
            "0/x000/001",
            "0/x001/x000",
            "-1/000",
            "0/",
            "",
            "0",
            "entries",
            "entries/",
            "0/000/",
            "0/+01",
            "0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TilePath::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_tree_of_seventy_thousand_has_the_tiles_of_the_specification() {
        let mut held = Held::default();
        held.0.extend(append(0, &numbered(70_000).0, |_| Err(())).expect("none is read"));
        let widths = |level: u32| -> Vec<usize> {
            held.0.iter().filter(|(id, _)| id.level == level).map(|(_, h)| h.len()).collect()
        };
        let (leaves, above) = (widths(0), widths(1));
        assert_eq!((leaves.len(), leaves[..273].iter().all(|w| *w == 256), leaves[273]), (274, true, 112));
        assert_eq!(above, [256, 17]);
        assert_eq!(widths(2), [1]);
        assert_eq!(widths(3), Vec::<usize>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn tiles_have_the_tree_however_it_grew(steps in proptest::collection::vec(0u64..700, 1..6)) {
            let (mut held, mut size) = (Held::default(), 0);
            let all = numbered(steps.iter().sum());
            for step in steps {
                let leaves = &all.0[size as usize..(size + step) as usize];
                let changed = append(size, leaves, |id| held.tile(id)).expect("tiles that are there");
                held.0.extend(changed);
                size += step;
                let of_leaves = tree_root(&all, size).unwrap_or_else(|never| match never {});
                prop_assert_eq!(tree_root(&InTiles(&held), size), Ok(of_leaves));
            }
        }
    }
}
