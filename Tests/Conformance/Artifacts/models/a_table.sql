{{ config(materialized='table', indexes=[{'columns': ['id'], 'unique': true}], meta={'owner': 'é'}) }}
select * from {{ ref('an_ephemeral') }}
