{% macro resolve_model_name(input_model_name) -%}
  {{- return(adapter.dispatch('resolve_model_name', 'dbt')(input_model_name)) -}}
{%- endmacro %}

{% macro default__resolve_model_name(input_model_name) -%}
  {{ input_model_name | string }}
{%- endmacro %}

{% macro build_ref_function(model) -%}
  {%- set found = {} -%}
  {%- for call in model.refs -%}
    {%- set path = [call.package, call.name] if call.package else [call.name] -%}
    {%- do found.update({
      path | join('.') ~ ('.v' ~ call.version if call.version else ''):
        resolve_model_name(ref(*path, v=call.get('version')))
    }) -%}
  {%- endfor -%}
def ref(*args, **kwargs):
    refs = {{ found | tojson }}
    version = kwargs.get("v") or kwargs.get("version")
    key = ".".join(args) + (f".v{version}" if version else "")
    return kwargs["dbt_load_df_function"](refs[key])
{%- endmacro %}

{% macro build_source_function(model) -%}
  {%- set found = {} -%}
  {%- for call in model.sources -%}
    {%- do found.update({call | join('.'): resolve_model_name(source(*call))}) -%}
  {%- endfor -%}
def source(*args, dbt_load_df_function):
    sources = {{ found | tojson }}
    return dbt_load_df_function(sources[".".join(args)])
{%- endmacro %}

{% macro build_config_dict(model) -%}
  {%- set used = {} -%}
  {%- set names = model.config.config_keys_used or [] -%}
  {%- set defaults = model.config.config_keys_defaults or [] -%}
  {%- for name in names -%}
    {%- do used.update({name: model.config.get(name, defaults[loop.index0])}) -%}
  {%- endfor -%}
  {%- set used_meta = {} -%}
  {%- set names = model.config.meta_keys_used or [] -%}
  {%- set defaults = model.config.meta_keys_defaults or [] -%}
  {%- for name in names -%}
    {%- do used_meta.update({name: (model.config.meta or {}).get(name, defaults[loop.index0])}) -%}
  {%- endfor -%}
config_dict = {{ used }}
meta_dict = {{ used_meta }}
{%- endmacro %}

{% macro py_script_postfix(model) -%}
# what follows is not part of the model: it answers the calls of dbt.ref, dbt.source, dbt.config and dbt.this
import types

{{ build_ref_function(model) }}

{{ build_source_function(model) }}

{{ build_config_dict(model) }}


def dbtObj(load_df_function):
    return types.SimpleNamespace(
        ref=lambda *args, **kwargs: ref(*args, **kwargs, dbt_load_df_function=load_df_function),
        source=lambda *args: source(*args, dbt_load_df_function=load_df_function),
        config=types.SimpleNamespace(get=config_dict.get, meta_get=meta_dict.get),
        this=type("this", (), {
            "database": "{{ this.database }}",
            "schema": "{{ this.schema }}",
            "identifier": "{{ this.identifier }}",
            "__repr__": lambda _: '{{ resolve_model_name(this) }}',
        })(),
        is_incremental={{ is_incremental() }},
    )

{{ py_script_comment() }}
{%- endmacro %}

{% macro py_script_comment() %}
{% endmacro %}
