{{ config(materialized='view') }}

PREDICT rating AS predicted USING INDEX hotels GIVEN FROM {{ ref('reviews') }}
