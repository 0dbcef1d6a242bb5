//! Bounds the copies that anchors and aliases make, so that a short document cannot fill the memory.

use super::{YamlNode, YamlProblem};

/// Maximum approximate size of all copies.
const MAX_COPIED_BYTES: usize = 64 * 1024 * 1024;
/// Approximate size of a node in memory.
const NODE_BYTES: usize = 64;

/// Below these numbers, any share of aliases is permitted.
const FEW_ALIASED: usize = 100;
const FEW_NODES: usize = 1000;
/// Up to the first number of nodes, 99 % may come from aliases; from the second on, 10 %.
const RANGE: (usize, usize) = (400_000, 4_000_000);
const SHARE: (f64, f64) = (0.99, 0.10);

/// Nodes and copies so far. The limits of the share are those of go-yaml.
#[derive(Default)]
pub(super) struct CopyBudget {
    nodes: usize,
    aliased: usize,
    copied_bytes: usize,
}

impl CopyBudget {
    /// Counts nodes of the document.
    pub(super) fn count(&mut self, nodes: usize) -> Result<(), YamlProblem> {
        self.nodes += nodes;
        self.check()
    }

    /// Counts a copy of a node for its anchor.
    pub(super) fn copy(&mut self, node: &YamlNode) -> Result<(), YamlProblem> {
        self.copied_bytes += node.bytes.saturating_add(node.nodes.saturating_mul(NODE_BYTES));
        self.check()
    }

    /// Counts a copy of a node for an alias.
    pub(super) fn expand(&mut self, node: &YamlNode) -> Result<(), YamlProblem> {
        self.nodes += node.nodes;
        self.aliased += node.nodes;
        self.copy(node)
    }

    #[expect(clippy::cast_precision_loss, reason = "a share needs no precision")]
    fn check(&self) -> Result<(), YamlProblem> {
        let beyond = self.nodes.saturating_sub(RANGE.0) as f64 / (RANGE.1 - RANGE.0) as f64;
        let permitted = SHARE.0 - (SHARE.0 - SHARE.1) * beyond.min(1.0);
        let share = self.aliased as f64 / self.nodes as f64;
        let many = self.aliased > FEW_ALIASED && self.nodes > FEW_NODES;
        if self.copied_bytes > MAX_COPIED_BYTES || many && share > permitted {
            return Err(YamlProblem::TooManyCopies);
        }
        Ok(())
    }
}
