//! The Merkle tree of RFC 6962 section 2.1 over SHA-256.

use sha2::{Digest as _, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// The hash of a leaf: `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// The hash of a node: `SHA-256(0x01 || left || right)`.
pub(super) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of a tree without leaves.
pub(super) fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Hashes of perfect subtrees: of the `2^level` leaves from `index * 2^level`.
pub trait Nodes {
    /// Why one cannot be had.
    type Error;
    /// The hash.
    fn node(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root of the leaves `[from, to)`, which is not empty; `from` is a multiple of the power of
/// two at or above their number, as every range is that the tree is split into.
pub fn root<N: Nodes>(nodes: &N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let count = to - from;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, from >> level);
    }
    let middle = from + split(count);
    Ok(node_hash(&root(nodes, from, middle)?, &root(nodes, middle, to)?))
}

/// The root of the first `size` leaves.
pub fn tree_root<N: Nodes>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(empty_root()) } else { root(nodes, 0, size) }
}

/// The largest power of two below `count`, which is at least 2.
fn split(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The audit path of the leaf `index` in the tree of `size` leaves (RFC 6962 section 2.1.1).
pub fn inclusion<N: Nodes>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut from, mut to) = (0, size);
    while to - from > 1 {
        let middle = from + split(to - from);
        if index < middle {
            path.push(root(nodes, middle, to)?);
            to = middle;
        } else {
            path.push(root(nodes, from, middle)?);
            from = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` leads from a leaf to the root (RFC 9162 section 2.1.3.2).
#[cfg(test)]
fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The proof that the tree of `new` leaves begins with that of `old` (RFC 6962 section 2.1.2).
pub fn consistency<N: Nodes>(nodes: &N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let mut proof = Vec::new();
    if old == 0 || old >= new {
        return Ok(proof);
    }
    let (mut from, mut to, mut whole) = (0, new, true);
    while old != to {
        let middle = from + split(to - from);
        if old <= middle {
            proof.push(root(nodes, middle, to)?);
            to = middle;
        } else {
            proof.push(root(nodes, from, middle)?);
            (from, whole) = (middle, false);
        }
    }
    if !whole {
        proof.push(root(nodes, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

/// A size and its root.
pub type Head = (u64, Hash);

/// Whether the tree of the second head begins with that of the first (RFC 9162 section 2.1.4.2).
pub fn verify_consistency((old, old_root): Head, (new, new_root): Head, proof: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new || old == 0 {
        let same = if old == new { old_root == new_root } else { old_root == empty_root() };
        return proof.is_empty() && same;
    }
    let mut proof = proof.iter();
    // An old tree that is perfect is its own first hash.
    let first = if old.is_power_of_two() { Some(&old_root) } else { proof.next() };
    let Some(first) = first else { return false };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut of_old, mut of_new) = (*first, *first);
    for hash in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            of_old = node_hash(hash, &of_old);
            of_new = node_hash(hash, &of_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            of_new = node_hash(&of_new, hash);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && of_old == old_root && of_new == new_root
}

/// What lies beside the leaves `[from, to)` in the tree of `size` leaves: roots of the ranges
/// that hold none of them, from left to right. With the leaves they make the root.
pub fn around<N: Nodes>(nodes: &N, (from, to): (u64, u64), size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut out = Vec::new();
    if size > 0 {
        beside(nodes, (from, to), (0, size), &mut out)?;
    }
    Ok(out)
}

fn beside<N: Nodes>(
    nodes: &N,
    wanted: (u64, u64),
    (from, to): (u64, u64),
    out: &mut Vec<Hash>,
) -> Result<(), N::Error> {
    if is_apart(wanted, (from, to)) {
        out.push(root(nodes, from, to)?);
    } else if to - from > 1 {
        let middle = from + split(to - from);
        beside(nodes, wanted, (from, middle), out)?;
        beside(nodes, wanted, (middle, to), out)?;
    }
    Ok(())
}

fn is_apart((from, to): (u64, u64), (low, high): (u64, u64)) -> bool {
    from >= to || high <= from || to <= low
}

/// The root of a tree of `size` leaves that has these at `[from, from + leaves)`, with what is
/// [`around`] them; none if there is too little or too much of that.
pub(super) fn root_around(leaves: &[Hash], from: u64, size: u64, around: &[Hash]) -> Option<Hash> {
    let to = from.checked_add(leaves.len() as u64).filter(|to| *to <= size)?;
    if size == 0 {
        return around.is_empty().then(empty_root);
    }
    let mut around = around.iter();
    let root = joined(leaves, (from, to), (0, size), &mut around)?;
    around.next().is_none().then_some(root)
}

fn joined<'a>(
    leaves: &[Hash],
    wanted: (u64, u64),
    (from, to): (u64, u64),
    around: &mut impl Iterator<Item = &'a Hash>,
) -> Option<Hash> {
    if is_apart(wanted, (from, to)) {
        return around.next().copied();
    }
    if to - from == 1 {
        return leaves.get((from - wanted.0) as usize).copied();
    }
    let middle = from + split(to - from);
    let left = joined(leaves, wanted, (from, middle), around)?;
    Some(node_hash(&left, &joined(leaves, wanted, (middle, to), around)?))
}

#[cfg(test)]
pub(super) mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Leaves in memory.
    pub(crate) struct Leaves(pub(crate) Vec<Hash>);

    impl Nodes for Leaves {
        type Error = Infallible;
        fn node(&self, level: u32, index: u64) -> Result<Hash, Infallible> {
            let from = (index << level) as usize;
            let leaves = &self.0[from..from + (1 << level)];
            let mut hashes = leaves.to_vec();
            while hashes.len() > 1 {
                hashes = hashes.chunks(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            }
            Ok(hashes[0])
        }
    }

    /// `count` leaves, each its number.
    pub(crate) fn numbered(count: u64) -> Leaves {
        Leaves((0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect())
    }

    fn good<T>(made: Result<T, Infallible>) -> T {
        made.unwrap_or_else(|never| match never {})
    }

    #[test]
    fn roots_are_those_of_the_public_vectors() {
        // Of the Certificate Transparency project's own tests.
        let entries = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves = entries.map(|e| leaf_hash(&hex::decode(e).expect("hexadecimal")));
        let tree = Leaves(leaves.to_vec());
        for (n, root) in roots.iter().enumerate() {
            assert_eq!(hex::encode(good(tree_root(&tree, n as u64 + 1))), *root);
        }
        assert_eq!(
            hex::encode(good(tree_root(&tree, 0))),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        // The path of the first leaf of eight, as the same tests have it.
        let path = good(inclusion(&tree, 0, 8)).map_hex();
        assert_eq!(
            path,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        );
    }

    trait MapHex {
        fn map_hex(&self) -> Vec<String>;
    }
    impl MapHex for Vec<Hash> {
        fn map_hex(&self) -> Vec<String> {
            self.iter().map(hex::encode).collect()
        }
    }

    proptest! {
        #[test]
        fn every_leaf_has_a_path_and_no_other_leaf_has_it(size in 1u64..300, at in any::<prop::sample::Index>()) {
            let tree = numbered(size);
            let index = at.index(size as usize) as u64;
            let (root, path) = (good(tree_root(&tree, size)), good(inclusion(&tree, index, size)));
            let leaf = tree.0[index as usize];
            prop_assert!(verify_inclusion(&leaf, index, size, &path, &root));
            prop_assert!(!verify_inclusion(&leaf, index, size, &path, &leaf_hash(b"another")));
            prop_assert!(!verify_inclusion(&leaf_hash(b"another"), index, size, &path, &root));
            prop_assert!(!verify_inclusion(&leaf, size, size, &path, &root));
            let other = (index + 1) % size;
            prop_assert!(other == index || !verify_inclusion(&leaf, other, size, &path, &root));
            let mut longer = path.clone();
            longer.push(leaf);
            prop_assert!(!verify_inclusion(&leaf, index, size, &longer, &root));
            if let Some((_, shorter)) = path.split_last() {
                prop_assert!(!verify_inclusion(&leaf, index, size, shorter, &root));
            }
        }

        #[test]
        fn a_tree_begins_with_every_smaller_one_and_no_other(new in 0u64..300, at in any::<prop::sample::Index>()) {
            let tree = numbered(new);
            let old = at.index(new as usize + 1) as u64;
            let heads = [old, new].map(|n| (n, good(tree_root(&tree, n))));
            let proof = good(consistency(&tree, old, new));
            prop_assert!(verify_consistency(heads[0], heads[1], &proof));
            let another = (old, leaf_hash(b"another"));
            prop_assert!(!verify_consistency(another, heads[1], &proof));
            // Any tree continues the empty one.
            let forged = (new, leaf_hash(b"another"));
            prop_assert!(old == 0 && new > 0 || !verify_consistency(heads[0], forged, &proof));
            let mut longer = proof.clone();
            longer.push(leaf_hash(b"another"));
            prop_assert!(!verify_consistency(heads[0], heads[1], &longer));
            if let Some((_, shorter)) = proof.split_last() {
                prop_assert!(!verify_consistency(heads[0], heads[1], shorter));
            }
            prop_assert!(old == new || !verify_consistency(heads[1], heads[0], &proof));
        }

        #[test]
        fn a_range_with_what_lies_around_it_makes_the_root(
            size in 1u64..300, ends in any::<[prop::sample::Index; 2]>(), broken in any::<prop::sample::Index>(),
        ) {
            let tree = numbered(size);
            let mut ends = ends.map(|e| e.index(size as usize + 1));
            ends.sort_unstable();
            let [from, to] = ends;
            let root = good(tree_root(&tree, size));
            let around = good(around(&tree, (from as u64, to as u64), size));
            let mut leaves = tree.0[from..to].to_vec();
            prop_assert_eq!(root_around(&leaves, from as u64, size, &around), Some(root));
            if !leaves.is_empty() {
                prop_assert_ne!(root_around(&leaves, from as u64 + 1, size, &around), Some(root));
                let at = broken.index(leaves.len());
                leaves[at] = leaf_hash(b"another");
                prop_assert_ne!(root_around(&leaves, from as u64, size, &around), Some(root));
                leaves.remove(at);
                prop_assert_ne!(root_around(&leaves, from as u64, size, &around), Some(root));
            }
        }
    }
}
