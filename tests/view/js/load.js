// The functions under test: from the modules as written or, with FLOWKIT_BUNDLE set, from the one text they are joined into.

/**
 * @param {...string} names of modules, without their ending
 * @returns {Promise<any>} what they export, together
 */
export async function load(...names) {
  if (process.env.FLOWKIT_BUNDLE) {
    return import(process.env.FLOWKIT_BUNDLE);
  }
  const folder = new URL("../../../flowkit/view/static/", import.meta.url);
  const modules = await Promise.all(names.map((name) => import(new URL(`${name}.js`, folder).href)));
  return Object.assign({}, ...modules);
}

/** A payload of four workloads in two namespaces, nodes and outside; edges as [client, server, port, proto, bytes, state, by]. */
export function payload() {
  const rows = [
    [0, 3, 443, 6, 1000, 0, 0],
    [1, 3, 8080, 6, 10, 0, 0],
    [3, 4, 6379, 6, 500, 0, 1],
    [3, 4, 80, 6, 5, 1, 0],
    [3, 5, 22, 6, 5, 2, 0],
    [4, 5, -1, 1, 64, 0, 0],
  ];
  const column = (i) => rows.map((row) => row[i]);
  const none = rows.map(() => 0);
  return {
    v: 1,
    title: "test",
    labels: ["(external) unknown", "(nodes)", "data/idle", "data/redis", "shop/cart", "shop/web"],
    kind: ["", "Node", "Deployment", "Deployment", "Deployment", "Deployment"],
    ns: [0, 1, 2, 2, 3, 3],
    nsNames: ["(external)", "(nodes)", "data", "shop"],
    pinned: 2,
    orders: { namespace: [0, 1, 2, 3, 4, 5], traffic: [0, 1, 4, 5, 3, 2], similar: [0, 1, 2, 3, 4, 5] },
    states: ["answered", "refused", "unanswered"],
    directionBy: ["SYN", "inferred: lower port"],
    inferred: [0, 1],
    edges: {
      s: column(0),
      d: column(1),
      port: column(2),
      proto: column(3),
      bytes: column(4),
      packets: none,
      flows: rows.map((_, i) => i + 1),
      connections: rows.map(() => 1),
      first: rows.map((_, i) => i * 10),
      last: rows.map((_, i) => i * 10 + 5),
      state: column(5),
      by: column(6),
      folded: none,
      status: none,
      rule: rows.map(() => -1),
      change: none,
    },
    verdicts: ["not judged", "allowed by policy", "no policy selects the server", "undecided", "would be denied"],
    changes: ["the same", "added", "gone", "changed"],
    ruleTexts: [],
    timeline: null,
    external: null,
    against: null,
    policies: [],
    meta: { t0: 0, t1: 55000, losses: {}, notes: [] },
    header: { facts: [], filters: "", notices: [] },
  };
}
