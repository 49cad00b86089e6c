"""Writes the oracle numbers beside it. Debian 12's python3-sklearn 1.2.1 and numpy 1.24.2: /usr/bin/python3 make.py"""
import json
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.neighbors import KNeighborsClassifier


def lcg(count, state):
    """The tests draw the same numbers: state' = 1664525·state + 1013904223 mod 2^32, value = state'/2^32 − ½, as float32."""
    values = np.empty(count, np.float32)
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = np.float32(state / 2**32 - 0.5)
    return values


def clusters(n, dimension, classes, seed):
    x = lcg(n * dimension, seed).reshape(n, dimension)
    centres = lcg(classes * dimension, seed + 1).reshape(classes, dimension)
    y = np.arange(n) % classes
    x = (x.astype(np.float64) + 0.6 * centres.astype(np.float64)[y]).astype(np.float32)
    x = x.astype(np.float64)
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), y


out = {"average_precision": [], "logistic": [], "neighbours": []}
for seed, (n, positives) in enumerate([(20, 3), (50, 20), (200, 1), (500, 137)]):
    scores = lcg(n, seed)
    relevant = np.zeros(n, int)
    relevant[(np.arange(positives) * 7) % n] = 1
    out["average_precision"].append({"seed": seed, "n": n, "positives": int(relevant.sum()), "value": average_precision_score(relevant, scores)})

for n, d, k, c in [(60, 5, 3, 1.0), (120, 16, 7, 10.0), (90, 33, 2, 0.1)]:
    x, y = clusters(n, d, k, 11)
    # Binary problems too are fitted as two-class softmax, as the engine does.
    model = LogisticRegression(C=c, tol=1e-10, max_iter=100000, multi_class="multinomial", solver="lbfgs").fit(x.astype(np.float64), y)
    logits = x.astype(np.float64) @ model.coef_.T + model.intercept_
    if k == 2:
        logits = np.concatenate([-logits, logits], axis=1)
        coef = np.concatenate([-model.coef_, model.coef_])
    else:
        coef = model.coef_
    top = logits.max(1, keepdims=True)
    loss = (np.log(np.exp(logits - top).sum(1)) + top[:, 0] - logits[np.arange(n), y]).sum() + (coef**2).sum() / (2 * c)
    out["logistic"].append({"n": n, "dimension": d, "classes": k, "c": c, "objective": loss, "predicted": logits.argmax(1).tolist()})

x, y = clusters(150, 12, 5, 23)
train, test = np.arange(0, 150) % 3 != 0, np.arange(0, 150) % 3 == 0
for k in (1, 5, 20):
    knn = KNeighborsClassifier(k, metric="cosine", algorithm="brute", weights=lambda d: np.maximum(0, 1 - d)).fit(x[train], y[train])
    out["neighbours"].append({"k": k, "predicted": knn.predict(x[test]).tolist()})
means = np.stack([x[train][y[train] == c].mean(0) for c in range(5)])
means /= np.linalg.norm(means, axis=1, keepdims=True)
out["nearest_mean"] = (x[test] @ means.T).argmax(1).tolist()
with open("oracles.json", "w") as f:
    json.dump(out, f)
    f.write("\n")
