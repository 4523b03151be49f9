import { isTree, type RuleLeaf, type RuleTree } from './tree.js';

/** The lines of a rule from left to right, each as its text asks, without the `!` before it. */
export function leavesOf(tree: RuleTree): RuleLeaf[] {
  return tree.rules.flatMap((node) => (isTree(node) ? leavesOf(node) : [node]));
}
