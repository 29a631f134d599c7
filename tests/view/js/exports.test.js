import assert from "node:assert/strict";
import { test } from "node:test";
import { load, payload } from "./load.js";

const { endOf, readModel, toCommatrix, toPromql, toWireshark, toYamlRules } = await load("exports", "model");
const model = readModel(payload());

test("an end is a namespace and a workload, without the kind that tells two apart", () => {
  assert.deepEqual(endOf(model, 4), { namespace: "shop", workload: "cart", label: "shop/cart", node: false });
  assert.deepEqual(endOf(model, 1), { namespace: "", workload: "", label: "(nodes)", node: true });
  const suffixed = readModel({ ...payload(), labels: [...payload().labels.slice(0, 5), "shop/web (Deployment)"] });
  assert.equal(endOf(suffixed, 5).workload, "web");
});

test("a rule says the client's namespace and what it cannot know", () => {
  assert.equal(
    toYamlRules(model, [2, 3]),
    '# ingress of shop/cart\ningress:\n- from:\n  # data/redis: add a podSelector with its labels\n  - namespaceSelector:\n      matchLabels:\n        kubernetes.io/metadata.name: "data"\n  ports:\n  - protocol: TCP\n    port: 6379\n  - protocol: TCP\n    port: 80\n',
  );
  assert.match(toYamlRules(model, [0]), /\(external\) unknown: put its addresses here/);
  assert.match(toYamlRules(model, [5]), /# ICMP: a NetworkPolicy has no word for it/);
});

test("no name breaks out of a comment or a text", () => {
  const labels = ["(external) unknown", "(nodes)", "data/idle", 'a"\nb/x', "shop/c\nkind: x", "shop/web"];
  const hostile = readModel({ ...payload(), labels, nsNames: ["(external)", "(nodes)", 'a"\nb', "shop"] });
  assert.equal(toYamlRules(hostile, [2]).includes("\nkind: x"), false);
  assert.ok(toYamlRules(hostile, [2]).includes('metadata.name: "a\\"\\nb"'));
  assert.ok(toPromql(hostile, [2]).includes('namespace="a\\"\\nb"'));
});

test("PromQL asks for what all edges share", () => {
  assert.ok(
    toPromql(model, [2]).includes(
      'namespace="data", workload="redis", to_namespace="shop", to_workload="cart", port="6379"',
    ),
  );
  assert.ok(toPromql(model, [2, 3]).includes('port=~"6379|80"'));
  assert.ok(!toPromql(model, [0]).includes("{namespace="));
});

test("Wireshark gets ports and times, and addresses where there are some", () => {
  assert.equal(
    toWireshark(model, [2]),
    "(tcp.port == 6379) && frame.time_epoch >= 20.000 && frame.time_epoch <= 26.000",
  );
  assert.ok(toWireshark(model, [5]).startsWith("((ip.proto == 1 || ipv6.nxt == 1))"));
  const labels = ["10.0.0.1", "2001:db8::1", ...payload().labels.slice(2)];
  assert.ok(
    toWireshark(readModel({ ...payload(), labels }), [0]).startsWith("(ip.addr == 10.0.0.1 && tcp.port == 443)"),
  );
  assert.ok(toWireshark(readModel({ ...payload(), labels }), [1]).startsWith("(ipv6.addr == 2001:db8::1 && "));
});

test("the communication matrix has a line a server port", () => {
  const lines = toCommatrix(model, model.all).trim().split("\r\n");
  assert.equal(lines[0], "Direction,Protocol,Port,Namespace,Service,Pod,Container,Node Role,Optional");
  assert.equal(lines[1], '"Ingress","ICMP","","shop","","web","","","false"');
  assert.equal(lines.length, 7);
});
