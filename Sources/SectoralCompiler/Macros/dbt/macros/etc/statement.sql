{% macro statement(name=None, fetch_result=False, auto_begin=True, language='sql') -%}
  {%- if execute -%}
    {%- set text = caller() -%}
    {%- if name == 'main' -%}
      {%- do adapter.announce_main(language) -%}
      {%- do write(text) -%}
    {%- endif -%}
    {%- if language == 'sql' -%}
      {#- a hook's statement has no name, and is run at once -#}
      {%- set answer = adapter.execute(
        text, auto_begin=auto_begin, fetch=fetch_result, may_wait=name is not none) -%}
    {%- elif language == 'python' -%}
      {%- set answer = [submit_python_job(model, text), none] -%}
    {%- else -%}
      {%- do exceptions.raise_compiler_error('statement() runs sql or python, not ' ~ language) -%}
    {%- endif -%}
    {%- if name is not none -%}
      {%- do store_result(name, response=answer[0], agate_table=answer[1]) -%}
    {%- endif -%}
  {%- endif -%}
{%- endmacro %}

{% macro noop_statement(name=None, message=None, code=None, rows_affected=None, res=None) -%}
  {%- set text = caller() -%}
  {%- if name == 'main' -%}
    {%- do log('Writing runtime SQL for node "{}"'.format(model['unique_id'])) -%}
    {%- do write(text) -%}
  {%- endif -%}
  {%- if name is not none -%}
    {%- do store_raw_result(
      name, message=message, code=code, rows_affected=rows_affected, agate_table=res) -%}
  {%- endif -%}
{%- endmacro %}

{% macro run_query(sql) -%}
  {%- call statement('run_query_statement', fetch_result=true, auto_begin=false) -%}
    {{ sql }}
  {%- endcall -%}
  {%- do return(load_result('run_query_statement').table) -%}
{%- endmacro %}
