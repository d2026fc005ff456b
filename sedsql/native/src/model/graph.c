#include "model/graph.h"

#include <stdlib.h>
#include <string.h>

#include "onnx/operators.h"

/* Some hundred times what our models take, so that a hostile graph cannot ask for all memory. */
enum { MOST_COLUMNS = 1 << 16 };

static value *value_named(const graph *g, text name)
{
    for (uint32_t k = 0; name.size && k < g->n_values; k++)
        if (same(g->values[k].name, name))
            return g->values + k;
    return NULL;
}

static const operator *operator_of(const onnx_node *node)
{
    bool known = !node->domain.size || is(node->domain, "ai.onnx") || is(node->domain, "ai.onnx.ml");
    for (const operator *op = operators; known && op->name; op++)
        if (is(node->op, op->name))
            return op;
    return NULL;
}

/* A constant that is a row of numbers has a column for each; of others, the operators read the tensor. */
static value constant_value(const onnx_tensor *tensor)
{
    bool numbers = tensor->floats || tensor->doubles;
    bool row = tensor->rank < 2 || (tensor->rank == 2 && tensor->dims[0] == 1);
    uint32_t width = numbers && row && tensor->count <= MOST_COLUMNS ? (uint32_t)tensor->count : 0;
    return (value){tensor->name, tensor->doubles ? KIND_DOUBLE : KIND_FLOAT, 0, width, 0, tensor};
}

/* Mark the steps that an output needs. */
static void mark(graph *g, const value *output, unsigned wanted)
{
    for (uint32_t k = 0; output && k < g->n_steps; k++)
        if (g->steps[k].out == output)
            g->steps[k].wanted |= wanted;
    for (uint32_t k = g->n_steps; k-- > 0;) {
        const step *s = g->steps + k;
        for (uint32_t i = 0; s->wanted & wanted && i < s->n_in; i++)
            for (uint32_t j = 0; j < k; j++)
                if (g->steps[j].out == s->in[i])
                    g->steps[j].wanted |= wanted;
    }
}

/* Find the nodes that the outputs need: only their operators must be known here. */
static bool *needed(arena *from, const onnx_graph *file, const graph_ends *ends)
{
    bool *need = arena_take(from, file->n_nodes, sizeof *need);
    for (size_t k = file->n_nodes; need && k-- > 0;) {
        const onnx_node *node = file->nodes + k;
        for (size_t o = 0; o < node->n_outputs; o++) {
            for (int w = 0; w < WANTS; w++)
                need[k] |= node->outputs[o].size && same(node->outputs[o], ends->outputs[w]);
            for (size_t later = k + 1; later < file->n_nodes; later++)
                for (size_t i = 0; need[later] && !need[k] && i < file->nodes[later].n_inputs; i++)
                    need[k] |= node->outputs[o].size && same(node->outputs[o], file->nodes[later].inputs[i]);
        }
    }
    return need;
}

static bool plan_node(arena *from, graph *g, const onnx_node *node, failure *error)
{
    step *s = g->steps + g->n_steps;
    const operator *op = operator_of(node);
    if (!op)
        return fail(error, "has the operator %.*s, which only ONNX Runtime runs", shown(node->op), node->op.data);
    *s = (step){.op = op};
    for (size_t i = 0; i < node->n_inputs; i++) {
        value *in = value_named(g, node->inputs[i]);
        if (!in || s->n_in == sizeof s->in / sizeof *s->in)
            return fail(error, "has a node %.*s with inputs that are not there, or too many", shown(node->op),
                        node->op.data);
        s->in[s->n_in++] = in;
    }
    if ((size_t)op->output >= node->n_outputs || !s->n_in)
        return fail(error, "has a node %.*s without input or output", shown(node->op), node->op.data);
    if (value_named(g, node->outputs[op->output]))
        return fail(error, "has two values of one name");
    s->out = g->values + g->n_values;
    s->out->name = node->outputs[op->output];
    if (!op->plan(from, node, s, error))
        return false;
    if (!s->out->width || s->out->width > MOST_COLUMNS)
        return fail(error, "has a node %.*s with %u columns", shown(node->op), node->op.data, s->out->width);
    g->n_values++;
    g->n_steps++;
    return true;
}

bool graph_plan(arena *from, const onnx_graph *file, const graph_ends *ends, graph *g, failure *error)
{
    bool *need = needed(from, file, ends);
    g->values = arena_take(from, ends->n_inputs + file->n_constants + file->n_nodes, sizeof *g->values);
    g->steps = arena_take(from, file->n_nodes, sizeof *g->steps);
    if (from->exhausted)
        return fail(error, "needs more memory than there is");
    for (uint32_t k = 0; k < ends->n_inputs; k++)
        g->values[g->n_values++] = (value){ends->inputs[k], KIND_FLOAT, 2, ends->widths[k], 0, NULL};
    for (size_t k = 0; k < file->n_constants; k++) {
        value v = constant_value(file->constants + k);
        if (!value_named(g, v.name))
            g->values[g->n_values++] = v;
    }
    for (size_t k = 0; k < file->n_nodes; k++) {
        const onnx_node *node = file->nodes + k;
        const onnx_attribute *constant = is(node->op, "Constant") ? onnx_attribute_of(node, "value") : NULL;
        if (constant && constant->tensor && node->n_outputs == 1) {
            onnx_tensor *named = arena_take(from, 1, sizeof *named);
            if (!named)
                return fail(error, "needs more memory than there is");
            *named = *constant->tensor;
            named->name = node->outputs[0];
            if (!value_named(g, named->name))
                g->values[g->n_values++] = constant_value(named);
        } else if (need[k] && !plan_node(from, g, node, error)) {
            return false;
        }
    }
    uint64_t columns = 0;
    for (uint32_t k = 0; k < g->n_values; k++) {
        g->values[k].first = (uint32_t)columns;
        columns += g->values[k].width;
    }
    if (columns > MOST_COLUMNS)
        return fail(error, "needs %llu columns of numbers for a row; up to %d run here", (unsigned long long)columns,
                    MOST_COLUMNS);
    g->n_columns = (uint32_t)columns;
    for (int w = 0; w < WANTS; w++) {
        g->outputs[w] = value_named(g, ends->outputs[w]);
        if (ends->outputs[w].size && !g->outputs[w])
            return fail(error, "has no output %.*s", shown(ends->outputs[w]), ends->outputs[w].data);
        mark(g, g->outputs[w], 1u << w);
    }
    for (uint32_t k = 0; k < g->n_steps; k++)
        g->scratch = g->steps[k].scratch > g->scratch ? g->steps[k].scratch : g->scratch;
    return true;
}

static bool aliased(const graph *g, const value *v)
{
    for (uint32_t k = 0; k < g->n_steps; k++)
        if (g->steps[k].out == v)
            return g->steps[k].op->alias;
    return false;
}

static size_t size_of(const value *v)
{
    return v->width * (size_t)BLOCK * (v->kind == KIND_DOUBLE ? sizeof(double) : sizeof(float));
}

/* Fill the columns of a constant, once: an operator on two values then need not know which of them varies. */
static void fill(const value *v, workspace *w)
{
    for (uint32_t k = 0; k < v->width; k++)
        for (int row = 0; row < BLOCK; row++)
            if (v->kind == KIND_DOUBLE)
                ((double *)w->columns[v->first + k])[row] = v->constant->doubles[k];
            else
                column(w, v, k)[row] = v->constant->floats[k];
}

workspace *workspace_new(const graph *g)
{
    size_t bytes = 0;
    for (uint32_t k = 0; k < g->n_values; k++)
        bytes += aliased(g, g->values + k) ? 0 : size_of(g->values + k);
    workspace *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->columns = calloc(g->n_columns + 1, sizeof *w->columns);
    w->memory = aligned_alloc(64, (bytes + 64) / 64 * 64);
    w->scratch = aligned_alloc(64, (g->scratch + 64) / 64 * 64);
    if (!w->columns || !w->memory || !w->scratch) {
        workspace_free(w);
        return NULL;
    }
    memset(w->memory, 0, bytes);
    char *next = w->memory;
    for (uint32_t k = 0; k < g->n_values; k++) {
        const value *v = g->values + k;
        if (aliased(g, v))
            continue;
        for (uint32_t c = 0; c < v->width; c++, next += size_of(v) / v->width)
            w->columns[v->first + c] = next;
        if (v->constant)
            fill(v, w);
    }
    for (uint32_t k = 0; k < g->n_steps; k++)
        if (g->steps[k].op->alias)
            g->steps[k].op->alias(g->steps + k, w);
    return w;
}

void workspace_free(workspace *w)
{
    if (!w)
        return;
    free(w->columns);
    free(w->memory);
    free(w->scratch);
    free(w);
}

void graph_run(const graph *g, unsigned wanted, workspace *w)
{
    for (uint32_t k = 0; k < g->n_steps; k++)
        if (g->steps[k].wanted & wanted && g->steps[k].op->run)
            g->steps[k].op->run(g->steps + k, w);
}
