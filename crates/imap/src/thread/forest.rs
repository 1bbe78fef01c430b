//! Trees that are linked and cut, and asked for their root, each in amortised logarithmic time.
//!
//! This is what keeps REFERENCES (RFC 5256) from walking up a long chain for each message in it: a link makes a loop
//! exactly if the root of the new parent is the child. The structure is the link-cut tree of Sleator and Tarjan: each
//! path from a node to the root is held in pieces, each piece a splay tree ordered by depth.

use alloc::vec::Vec;

/// A forest of nodes, which are numbers from 0.
#[derive(Debug, Default)]
pub(super) struct Forest {
    nodes: Vec<Node>,
}

/// A node of a splay tree; [`NONE`] is no node.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// In the splay tree, or, from the root of a splay tree, the node above the piece of path.
    up: u32,
    /// Nearer to the root of the tree.
    left: u32,
    right: u32,
}

impl Forest {
    /// Nodes without links, `count` of them.
    pub(super) fn new(count: usize) -> Self {
        Self { nodes: alloc::vec![ALONE; count] }
    }

    /// Adds a node without links.
    pub(super) fn add(&mut self) {
        self.nodes.push(ALONE);
    }

    /// Puts `child`, which is the root of its tree, under `parent`, which is in another tree.
    pub(super) fn link(&mut self, parent: u32, child: u32) {
        self.access(child);
        self.change(child, |node| node.up = parent);
    }

    /// Takes `child` from its parent.
    pub(super) fn cut(&mut self, child: u32) {
        self.access(child);
        let above = self.node(child).left;
        self.change(above, |node| node.up = NONE);
        self.change(child, |node| node.left = NONE);
    }

    /// The root of the tree of `node`.
    pub(super) fn root(&mut self, node: u32) -> u32 {
        self.access(node);
        let mut root = node;
        loop {
            let left = self.node(root).left;
            if left == NONE {
                break;
            }
            root = left;
        }
        // Pays for the walk.
        self.splay(root);
        root
    }

    /// Makes the path from `node` to its root one piece, with `node` on top of it and nothing below.
    fn access(&mut self, node: u32) {
        self.splay(node);
        self.change(node, |node| node.right = NONE);
        loop {
            let above = self.node(node).up;
            if above == NONE {
                return;
            }
            self.splay(above);
            self.change(above, |above| above.right = node);
            self.splay(node);
        }
    }

    fn splay(&mut self, node: u32) {
        while let Some(parent) = self.parent(node) {
            if let Some(grandparent) = self.parent(parent) {
                let straight = (self.node(grandparent).left == parent) == (self.node(parent).left == node);
                self.rotate(if straight { parent } else { node });
            }
            self.rotate(node);
        }
    }

    /// The parent in the splay tree.
    fn parent(&self, node: u32) -> Option<u32> {
        let up = self.node(node).up;
        let above = self.node(up);
        (up != NONE && (above.left == node || above.right == node)).then_some(up)
    }

    /// Moves `node` above its parent in the splay tree.
    fn rotate(&mut self, node: u32) {
        let parent = self.node(node).up;
        let above = self.node(parent);
        let this = self.node(node);
        let inner = if above.left == node {
            self.change(parent, |parent| parent.left = this.right);
            self.change(node, |node| node.right = parent);
            this.right
        } else {
            self.change(parent, |parent| parent.right = this.left);
            self.change(node, |node| node.left = parent);
            this.left
        };
        self.change(inner, |inner| inner.up = parent);
        self.change(above.up, |upper| {
            if upper.left == parent {
                upper.left = node;
            } else if upper.right == parent {
                upper.right = node;
            }
        });
        self.change(parent, |parent| parent.up = node);
        self.change(node, |node| node.up = above.up);
    }

    fn node(&self, node: u32) -> Node {
        usize::try_from(node).ok().and_then(|at| self.nodes.get(at)).copied().unwrap_or(ALONE)
    }

    fn change(&mut self, node: u32, change: impl FnOnce(&mut Node)) {
        if let Some(node) = usize::try_from(node).ok().and_then(|at| self.nodes.get_mut(at)) {
            change(node);
        }
    }
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;
const ALONE: Node = Node { up: NONE, left: NONE, right: NONE };

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn roots_are_those_of_a_walk(steps in prop::collection::vec((any::<bool>(), 0_u32..12, 0_u32..12), 0..200)) {
            let mut forest = Forest::new(12);
            let mut parents = [NONE; 12];
            let walk = |parents: &[u32; 12], mut node: u32| {
                while parents[node as usize] != NONE {
                    node = parents[node as usize];
                }
                node
            };
            for (links, one, other) in steps {
                prop_assert_eq!(forest.root(one), walk(&parents, one));
                if !links {
                    forest.cut(one);
                    parents[one as usize] = NONE;
                } else if parents[other as usize] == NONE && walk(&parents, one) != other {
                    forest.link(one, other);
                    parents[other as usize] = one;
                }
            }
            for node in 0..12 {
                prop_assert_eq!(forest.root(node), walk(&parents, node));
            }
        }
    }
}
